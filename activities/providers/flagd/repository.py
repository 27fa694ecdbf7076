"""A branch of a Git repository with one JSON file per environment. A change is one commit, pushed onto the commit that was read."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from activities.providers.errors import ProviderThrottled, ProviderUnauthorized, ProviderUnavailable
from activities.providers.flag_system import Finding, Origin
from activities.providers.flagd.file_place import LARGEST_FILE, SUFFIX, encoding_problem, file_of, is_environment, size_problem
from activities.providers.flagd.git_branch import Entry, GitBranch
from domain.errors import EnvironmentNotFound
from domain.flags.git_address import GitAddress
from domain.text import did_you_mean

_LINK = "120000"


class FlagRepository:
    """The files of a folder on a branch. Threads may share it: one at a time talks to the remote, and those that wait share its answer."""

    def __init__(self, address: GitAddress, network: Callable[[], Mapping[str, str]], author: str, seconds: float) -> None:
        """Take a function that returns git's configuration for calls to the remote, or raises ProviderUnavailable."""
        self.address = address
        self.branch = GitBranch(address, network, author, seconds)
        self._lock = threading.Lock()
        self._fetched_at = float("-inf")
        self._read: _Read | None = None

    def check(self, deadline: float) -> Iterator[Finding]:
        """Yield what works and everything that is missing: the repository, its branch and folder, and the right to push."""
        try:
            with self.reading(deadline) as files:
                yield Finding(True, f"The repository has {len(files.environments())} JSON files.")
                self.branch.push(files.read_commit.id, files.read_commit.id, deadline, "--dry-run")
        except ProviderUnauthorized as error:
            yield Finding(False, str(error), "credential" if self.address.is_over_http else "address")
        except ProviderUnavailable as error:
            yield Finding(False, str(error))

    @contextmanager
    def reading(self, deadline: float) -> Iterator["CommittedFiles"]:
        """Give the files of the branch's newest commit. Raises a ProviderError."""
        asked_at = time.monotonic()
        if not self._lock.acquire(timeout=max(0.0, deadline - asked_at)):
            raise ProviderThrottled(None)
        try:
            if self._read is None or self._fetched_at < asked_at:  # Otherwise, another thread fetched while this one waited.
                self._read = self._fetch(deadline)
            yield CommittedFiles(self, self._read, deadline)
        finally:
            self._lock.release()

    writing = reading
    """Nobody can be kept out: a push that meets another one is refused."""

    def forget(self) -> None:
        """Fetch again before the files are next read."""
        self._read = None

    def close(self) -> None:
        """Delete the copy."""
        with self._lock:
            self._read = None
            self.branch.close()

    def _fetch(self, deadline: float) -> "_Read":
        before, self._read, began_at = self._read, None, time.monotonic()
        commit = self.branch.fetch(deadline)
        self._fetched_at = began_at
        if before and before.id == commit:
            return before
        return _Read(commit, self.branch.entries(commit, deadline), {})


class _Read(NamedTuple):
    """A commit that was read: its id, its files, and the contents of those that were asked for, by their ids."""

    id: str
    entries: Mapping[str, Entry]
    contents: dict[str, bytes]


class CommittedFiles:
    """The files of one commit."""

    def __init__(self, repository: FlagRepository, read_commit: _Read, deadline: float) -> None:
        self.repository = repository
        self.read_commit = read_commit
        self.deadline = deadline

    def environments(self) -> list[str]:
        """Return the name of each JSON file, without its ending. Hidden files are left out."""
        return sorted(name.removesuffix(SUFFIX) for name in self.read_commit.entries if is_environment(name))

    def read(self, environment: str) -> str:
        """Return the text of a file. Raises EnvironmentNotFound, or ProviderUnavailable if it can't be read."""
        name, known = file_of(environment), self.environments()
        if environment not in known:
            raise EnvironmentNotFound(f"There is no file {name} on the branch.{did_you_mean(environment, known)}")
        entry, contents = self.read_commit.entries[name], self.read_commit.contents
        if entry.mode == _LINK:
            raise ProviderUnavailable(f"The file {name} is a link. Replace it with the file itself.")
        if entry.size > LARGEST_FILE:
            raise ProviderUnavailable(size_problem(name))
        if entry.blob not in contents:
            contents[entry.blob] = self.repository.branch.content(entry, self.deadline)
        try:
            return contents[entry.blob].decode()
        except UnicodeDecodeError:
            raise ProviderUnavailable(encoding_problem(name)) from None

    def replace(self, environment: str, before: str, after: str, origin: Origin | None = None) -> bool:  # noqa: ARG002 (of this commit)
        """Push a commit with this text. Do nothing and return False if somebody pushed meanwhile."""
        branch, parent = self.repository.branch, self.read_commit.id
        self.repository.forget()
        message = message_of(environment, origin)
        commit = branch.commit(parent, file_of(environment), after.encode(), message, self.deadline)
        return branch.push(commit, parent, self.deadline)


def message_of(environment: str, origin: Origin | None) -> str:
    """Return the message of a commit, which names what it is made for."""
    if origin is None:
        return f"Change {environment}\n"
    verb = "Roll back" if origin.is_rollback else "Change"
    subject = _one_line(f"{verb} {origin.feature} in {environment}")
    details = {"Project": origin.project, "Stage": origin.stage, "Release": origin.release}
    return f"{subject}\n\n" + "".join(f"{name}: {_one_line(value)}\n" for name, value in details.items())


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
