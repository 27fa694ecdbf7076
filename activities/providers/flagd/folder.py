"""A folder with one JSON file per environment, read whole and written atomically."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from activities.providers.errors import ProviderUnavailable
from activities.providers.flag_system import Finding, Origin
from activities.providers.flagd.file_place import LARGEST_FILE, encoding_problem, file_of, is_environment, size_problem
from domain.errors import EnvironmentNotFound
from domain.text import did_you_mean

LOCK_SECONDS = 2.5
_POLL_SECONDS = 0.01


class FlagFolder:
    """The files of a folder, by the name of their environment. Threads and processes may share it."""

    def __init__(self, path: Path, lock_seconds: float = LOCK_SECONDS) -> None:
        """Take the longest time to wait for another writer of Flaghoist."""
        self.path = path
        self.lock_seconds = lock_seconds

    def check(self, _deadline: float = 0) -> Iterator[Finding]:
        """Yield what works and everything that is missing: the folder, and the right to write into it."""
        try:
            with self.locked():
                yield Finding(True, f"The folder {self.path} has {len(self.environments())} JSON files.")
        except ProviderUnavailable as error:
            yield Finding(False, str(error))
        else:
            if not self.is_writable():
                yield Finding(False, f"Flaghoist must not write into the folder {self.path}. Give it the right to.")

    @contextmanager
    def reading(self, _deadline: float) -> Iterator["FlagFolder"]:
        """Give the files, which are read without a lock: each is whole at any time."""
        yield self

    @contextmanager
    def writing(self, _deadline: float) -> Iterator["FlagFolder"]:
        """Give the files, and keep other writers of Flaghoist out. Raises ProviderUnavailable."""
        with self.locked():
            yield self

    def close(self) -> None:
        """Close nothing: no file is kept open."""

    def environments(self) -> list[str]:
        """Return the name of each JSON file, without its ending. Hidden files are left out."""
        with _explained(f"The folder {self.path}"):
            return sorted(each.stem for each in self.path.iterdir() if _is_environment(each))

    def is_writable(self) -> bool:
        """Return True if files can be replaced, which takes the right to write into the folder."""
        return os.access(self.path, os.W_OK | os.X_OK)

    def read(self, environment: str) -> str:
        """Return the text of a file. Raises EnvironmentNotFound, or ProviderUnavailable if it can't be read."""
        path = self._file(environment)
        with _explained(f"The file {path}"):
            if path.stat().st_size > LARGEST_FILE:
                raise ProviderUnavailable(size_problem(str(path)))
            try:
                return path.read_bytes().decode()
            except UnicodeDecodeError:
                raise ProviderUnavailable(encoding_problem(str(path))) from None

    def replace(self, environment: str, before: str, after: str, _origin: Origin | None = None) -> bool:
        """Replace a file's whole text at once. Do nothing and return False if the text is no longer `before`."""
        path = self._file(environment)
        with _explained(f"The file {path}"), _temporary_file(path) as temporary:
            with temporary.open("wb") as file:
                file.write(after.encode())
                file.flush()
                os.fsync(file.fileno())
            _copy_rights(path, temporary)
            if path.read_bytes() != before.encode():
                return False
            temporary.replace(path)
            _flush_folder(path.parent)
            return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers of Flaghoist out. Editors of people take no lock."""
        with _explained(f"The folder {self.path}"):
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock(folder)
            yield
        finally:
            os.close(folder)

    def _lock(self, folder: int) -> None:
        deadline = time.monotonic() + self.lock_seconds
        with _explained(f"The lock of the folder {self.path}"):
            while True:
                try:
                    return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise ProviderUnavailable(
                            f"Another process has been writing into {self.path} for {self.lock_seconds:g} s."
                        ) from None
                time.sleep(_POLL_SECONDS)

    def _file(self, environment: str) -> Path:
        """Return the path of a file, or of the file in the folder to which it links."""
        known = self.environments()
        if environment not in known:
            message = f"There is no file {file_of(environment)} in {self.path}.{did_you_mean(environment, known)}"
            raise EnvironmentNotFound(message)
        path = self.path / file_of(environment)
        with _explained(f"The file {path}"):
            target = path.resolve(strict=True)
        if not target.is_relative_to(self.path.resolve()):
            raise ProviderUnavailable(f"The file {path} is a link that leaves its folder. Replace it with the file itself.")
        return target


def _is_environment(path: Path) -> bool:
    return is_environment(path.name) and not path.is_dir()


@contextmanager
def _explained(subject: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProviderUnavailable(f"{subject} can't be used: {error.strerror}. Check its path and rights.") from error
    except RuntimeError as error:  # by Path.resolve in Python 3.11 and 3.12, of links in a circle
        raise ProviderUnavailable(f"{subject} can't be used: {error}") from error


@contextmanager
def _temporary_file(path: Path) -> Iterator[Path]:
    """Create a hidden file beside another one, so that renaming it is atomic. Delete it if it was not renamed."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _copy_rights(original: Path, copy: Path) -> None:
    status = original.stat()
    with suppress(PermissionError):  # only root gives files away
        os.chown(copy, status.st_uid, status.st_gid)
    copy.chmod(status.st_mode & 0o7777)


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
