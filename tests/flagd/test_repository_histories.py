"""Random histories on a repository: two workers and a person push, workers die, and a server refuses. No change is lost or made twice."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from activities.providers.errors import ProviderError
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.git_branch import GitBranch
from domain.flags.patch import FlagPatch
from tests.flagd.files import TOGGLE
from tests.flagd.repositories import Remote, repository_of

HISTORIES = int(os.environ.get("MACHINE_EXAMPLES", "4"))
SEED = int(os.environ.get("MACHINE_SEED", "3"))
STEPS = 12
FLAGS = ("basket", "checkout", "search")
BENIGN = ("nothing", "other flag", "other worker")
"""Faults that do not keep a change from being made."""


class Died(BaseException):
    """The worker was killed."""


class _Branch(GitBranch):
    """A branch with something that happens before or after the next push."""

    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None

    def push(self, commit: str, expected: str, deadline: float, *options: str) -> bool:
        happens, self.before = self.before, None
        if happens:
            happens()
        pushed = super().push(commit, expected, deadline, *options)
        happens, self.after = self.after, None
        if happens and pushed:
            happens()
        return pushed


class History:
    """The remote, two workers, and what each flag should be. `pushes` counts the commits that were called for."""

    def __init__(self, root: Path, random: Random) -> None:
        self.random = random
        self.remote = Remote(root, flags=dict.fromkeys(FLAGS, TOGGLE))
        self.workers = [self._worker() for _ in range(2)]
        self.expected = dict.fromkeys(FLAGS, False)
        self.pushes = 1
        self.told: list[str] = []

    def run(self) -> None:
        """Run the history. Raises AssertionError with the steps so far."""
        for _ in range(STEPS):
            self._step()
            found = {flag: self.remote.flag(flag)["defaultVariant"] == "on" for flag in FLAGS}
            assert found == self.expected, self.told
            assert len(self.remote.subjects()) == self.pushes, self.told
        for each in self.workers:
            each.close()

    def _step(self) -> None:
        """Let a worker make a change. A change that fails for a reason that is no fault must not have been made."""
        worker, flag, enabled = self.random.choice(self.workers), self.random.choice(FLAGS), self.random.random() < 0.5
        what = self.random.choice((*BENIGN, "dies before", "dies after", "same flag", "refused", "gone"))
        self.told.append(f"{flag} becomes {enabled}, {what}")
        is_done = self.expected[flag] == enabled
        self._interfere(what, worker, flag)
        with suppress(ProviderError, Died):
            self._apply(worker, flag, enabled=enabled)
            is_done = True
        self._end_interference(worker)
        assert is_done or what not in BENIGN, self.told
        if is_done or what == "dies after":
            self._expect(flag, enabled=enabled)

    def _interfere(self, what: str, worker: FlagdFiles, flag: str) -> None:
        """Let something happen at the next push."""
        other, branch = self.random.choice([each for each in FLAGS if each != flag]), _branch_of(worker)
        before: dict[str, Callable[[], object]] = {
            "dies before": _die,
            "other flag": lambda: self._by_hand(other),
            "same flag": lambda: self._by_hand(flag),
            "other worker": lambda: self._change(next(each for each in self.workers if each is not worker), other),
            "refused": lambda: self.remote.hook("pre-receive", "exit 1"),
            "gone": lambda: self.remote.bare.rename(self.remote.root / "away"),
        }
        branch.before = before.get(what)
        branch.after = _die if what == "dies after" else None

    def _end_interference(self, worker: FlagdFiles) -> None:
        branch = _branch_of(worker)
        branch.before = branch.after = None
        if (self.remote.root / "away").exists():
            (self.remote.root / "away").rename(self.remote.bare)
        (self.remote.bare / "hooks" / "pre-receive").unlink(missing_ok=True)

    def _worker(self) -> FlagdFiles:
        files = self.remote.open()
        place = repository_of(files)
        place.branch = _Branch(place.address, place.branch._network, place.branch._author, place.branch._seconds)
        return files

    def _change(self, worker: FlagdFiles, flag: str) -> None:
        self._apply(worker, flag, enabled=True)
        self._expect(flag, enabled=True)

    def _apply(self, worker: FlagdFiles, flag: str, *, enabled: bool) -> None:
        worker.apply(flag, "production", FlagPatch(enabled=enabled), {})

    def _by_hand(self, flag: str) -> None:
        """Turn a flag round, as a person does."""
        self.told.append(f"  meanwhile, a person turns {flag} round")
        enabled = not self.expected[flag]
        self.remote.by_hand(flag, {"defaultVariant": "on" if enabled else "off"})
        self._expect(flag, enabled=enabled)

    def _expect(self, flag: str, *, enabled: bool) -> None:
        self.pushes += self.expected[flag] != enabled
        self.expected[flag] = enabled


def _branch_of(worker: FlagdFiles) -> _Branch:
    branch = repository_of(worker).branch
    assert isinstance(branch, _Branch)
    return branch


def _die() -> None:
    raise Died


@pytest.mark.timeout(120 + 120 * HISTORIES)
@pytest.mark.parametrize("number", range(HISTORIES))
def test_every_change_is_one_commit_whatever_happens(tmp_path: Path, number: int) -> None:
    History(tmp_path, Random(f"{SEED} {number}")).run()  # noqa: S311 (reproducible, not a secret)
