"""The interface of a place that has files for flagd: a folder, or a branch of a Git repository."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from activities.providers.flag_system import Finding, Origin

LARGEST_FILE = 8 * 2**20
SUFFIX = ".json"


class FlagFiles(Protocol):
    """The JSON files of a place, by the name of their environment."""

    def environments(self) -> list[str]:
        """Return the name of each JSON file, without its ending. Hidden files are left out."""
        ...

    def read(self, environment: str) -> str:
        """Return the text of a file. Raises EnvironmentNotFound, or ProviderUnavailable if it can't be read."""
        ...

    def replace(self, environment: str, before: str, after: str, origin: Origin | None = None) -> bool:
        """Replace a file's whole text at once. Do nothing and return False if somebody changed it meanwhile."""
        ...


class FilePlace(Protocol):
    """A place of files. Threads and processes may share it. A deadline is a time of `time.monotonic`."""

    def check(self, deadline: float) -> Iterator[Finding]:
        """Yield what works and everything that is missing, except for what is in the files. Nothing follows what failed."""
        ...

    def reading(self, deadline: float) -> AbstractContextManager[FlagFiles]:
        """Give the files as they are now. Raises ProviderUnavailable."""
        ...

    def writing(self, deadline: float) -> AbstractContextManager[FlagFiles]:
        """Give the files as they are now, and keep other writers of Flaghoist out as far as they can be. Raises ProviderUnavailable."""
        ...

    def close(self) -> None:
        """Delete what was kept for faster reading."""
        ...


def is_environment(name: str) -> bool:
    """True if a file with this name can be that of an environment."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def file_of(environment: str) -> str:
    """Return the name of an environment's file."""
    return f"{environment}{SUFFIX}"


def size_problem(name: str) -> str:
    """Return the sentence about a file that is too large."""
    return f"The file {name} is larger than {LARGEST_FILE // 2**20} MiB. Split it into several projects."


def encoding_problem(name: str) -> str:
    """Return the sentence about a file that is no text."""
    return f"The file {name} is not encoded in UTF-8. Save it in UTF-8."
