"""A branch of a remote Git repository: its newest commit, and commits onto it.

There is a copy of the newest commit only, and nothing is checked out. After any failure, the next call begins with a new copy.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from activities.providers.errors import ProviderError, ProviderUnauthorized, ProviderUnavailable
from activities.providers.flagd.git_command import Answer, GitCommand, reason_of
from domain.flags.git_address import GitAddress

TIP = "refs/flaghoist/tip"
MOST_COMMITS = 500
"""Commits after which a new copy replaces the old one, which keeps the objects of each."""

_REFUSES_CREDENTIAL = ("could not read Username", "could not read Password", "Authentication failed", "error: 401", "error: 403")
_OVERTAKEN = ("stale info", "fetch first", "non-fast-forward", "lock ref", "failed to update ref", "incorrect old value")
"""The words of git and of servers if somebody else pushed before."""
_FORBIDDEN = ("declined", "prohibited", "protected", "checked out", "not allowed", "denying")
"""The words of servers if a rule forbids a push. Other failures may pass."""


class Entry(NamedTuple):
    """A file in a commit: its mode, the id of its content, and the number of bytes."""

    mode: str
    blob: str
    size: int


class GitBranch:
    """The branch at an address. One thread at a time may use it."""

    def __init__(self, address: GitAddress, network: Callable[[], Mapping[str, str]], author: str, seconds: float) -> None:
        """Take a function that returns git's configuration for calls to the remote, or raises ProviderUnavailable."""
        self.address = address
        self._network = network
        self._author = author
        self._seconds = seconds
        self._branch = address.branch
        self._git: GitCommand | None = None
        self._seen = set[str]()

    def fetch(self, deadline: float) -> str:
        """Return the id of the newest commit, with its content copied. Raises ProviderUnavailable or ProviderUnauthorized."""
        if len(self._seen) >= MOST_COMMITS:
            self.close()
        with self._new_copy_after_failure():
            refspec = f"+refs/heads/{self._name(deadline)}:{TIP}"
            options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
            _check(self._call("fetch", *options, "--", self.address.url, refspec, deadline=deadline), "fetch")
            commit = self._run("rev-parse", "--verify", TIP, deadline=deadline).decode().strip()
        self._seen.add(commit)
        return commit

    def entries(self, commit: str, deadline: float) -> dict[str, Entry]:
        """Return name -> file, for each file of the folder in a commit."""
        tree = f"{commit}:{self.address.folder}" if self.address.folder else commit
        answer = self._ask("ls-tree", "-z", "--long", tree, deadline=deadline)
        if answer.code:
            raise ProviderUnavailable(f"There is no folder '{self.address.folder}' on the branch. Check the address.")
        return dict(_entries(answer.output))

    def content(self, entry: Entry, deadline: float) -> bytes:
        """Return the content of a file."""
        return self._run("cat-file", "blob", entry.blob, deadline=deadline)

    def commit(self, parent: str, file: str, content: bytes, message: str, deadline: float) -> str:
        """Create a commit in which a file of the folder has another content, and return its id. Nobody else sees it yet."""
        path = f"{self.address.folder}/{file}".lstrip("/")
        mode = self.entries(parent, deadline)[file].mode
        blob = self._run("hash-object", "-w", "--stdin", deadline=deadline, given=content).decode().strip()
        self._run("read-tree", parent, deadline=deadline)
        self._run("update-index", "--cacheinfo", f"{mode},{blob},{path}", deadline=deadline)
        tree = self._run("write-tree", deadline=deadline).decode().strip()
        given = message.encode()
        return self._run("commit-tree", tree, "-p", parent, "-F", "-", deadline=deadline, given=given).decode().strip()

    def push(self, commit: str, expected: str, deadline: float, *options: str) -> bool:
        """Make a commit the newest one if that is still the expected one, and return False otherwise.

        Raises ProviderUnauthorized if a rule forbids it. After ProviderUnavailable, it may have been pushed.
        """
        target = f"refs/heads/{self._name(deadline)}"
        # This is stricter than a push without it: one that was taken back by others must not come back with our commit.
        lease = f"--force-with-lease={target}:{expected}"
        refspec = f"{commit}:{target}"
        with self._new_copy_after_failure():
            answer = self._call("push", "--porcelain", *options, lease, "--", self.address.url, refspec, deadline=deadline)
            refused = next((line for line in answer.output.decode(errors="replace").splitlines() if line.startswith("!")), "")
            if answer.code and any(words in refused for words in _OVERTAKEN):
                return False
            if any(words in refused for words in _FORBIDDEN):
                raise ProviderUnauthorized(f"The push was refused: {reason_of(answer.errors, refused)}")
            _check(answer, "push")
        return True

    def close(self) -> None:
        """Delete the copy."""
        if self._git:
            shutil.rmtree(self._git.repository, ignore_errors=True)
        self._git, self._branch = None, self.address.branch
        self._seen.clear()

    def _name(self, deadline: float) -> str:
        """Return the name of the branch, which the remote knows if the address does not have it."""
        if self._branch is None:
            answer = self._call("ls-remote", "--symref", "--", self.address.url, "HEAD", deadline=deadline)
            _check(answer, "ls-remote")
            first = answer.output.decode(errors="replace").partition("\t")[0]
            if not first.startswith("ref: refs/heads/"):
                raise ProviderUnavailable("The repository has no default branch with a commit. Name a branch, as in URL#branch.")
            self._branch = first.removeprefix("ref: refs/heads/")
        return self._branch

    def _call(self, *arguments: str, deadline: float) -> Answer:
        """Run a command that calls the remote."""
        return self._ask(*arguments, deadline=deadline, config=self._network())

    def _run(self, *arguments: str, deadline: float, given: bytes = b"") -> bytes:
        """Run a command that needs nobody else, and return what it wrote."""
        answer = self._ask(*arguments, deadline=deadline, given=given)
        if answer.code:
            self.close()
        _check(answer, arguments[0])
        return answer.output

    def _ask(self, *arguments: str, deadline: float, given: bytes = b"", config: Mapping[str, str] | None = None) -> Answer:
        try:
            git = self._git = self._git or self._new_copy(deadline)
            return git.ask(*arguments, deadline=deadline, given=given, config=config)
        except OSError as error:  # for example, because the disk is full
            raise ProviderUnavailable(f"git can't be used: {error.strerror}") from error

    def _new_copy(self, deadline: float) -> GitCommand:
        scheme = self.address.url.partition(":")[0]
        git = self._git = GitCommand(Path(tempfile.mkdtemp(prefix="flaghoist-git-")), scheme, self._author, self._seconds)
        _check(git.ask("init", "--quiet", "--bare", "--template=", deadline=deadline), "init")
        return git

    @contextmanager
    def _new_copy_after_failure(self) -> Iterator[None]:
        try:
            yield
        except ProviderError:
            self.close()
            raise


def _check(answer: Answer, command: str) -> None:
    if answer.code:
        reason = reason_of(answer.errors)
        if any(words in answer.errors for words in _REFUSES_CREDENTIAL):
            raise ProviderUnauthorized(f"The server wants another credential: {reason}")
        raise ProviderUnavailable(f"git {command} failed: {reason}")


def _entries(listed: bytes) -> Iterator[tuple[str, Entry]]:
    """Yield name -> file from the output of ls-tree. Folders, submodules and names that are not UTF-8 are left out."""
    for line in filter(None, listed.split(b"\0")):
        facts, _, name = line.partition(b"\t")
        mode, kind, blob, size = facts.decode().split()
        if kind == "blob":
            with suppress(UnicodeDecodeError):
                yield name.decode(), Entry(mode, blob, int(size))
