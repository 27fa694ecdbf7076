"""Stages of releases that change flags in a Git repository: workers that die, people who push, and rollbacks."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from activities.messages import Made, Refused
from activities.providers.errors import ProviderUnavailable
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.git_branch import GitBranch
from activities.store.database import Database
from domain.flags.connection import Connection
from domain.flags.patch import FlagPatch
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.activities.acting import LATER, changes_of, roll_back
from tests.flagd.files import KEYS
from tests.flagd.repositories import Remote, git, repository_of
from tests.flagd.shop import Shop
from tests.pipelines import enable, rollout, set_value, stage
from tests.waiting import wait_for


class Died(BaseException):
    """The worker was killed."""


def nothing() -> None:
    """Do nothing."""


class WatchedBranch(GitBranch):
    """A branch that calls back before and after each push."""

    before: Callable[[], object] = staticmethod(nothing)
    after: Callable[[], object] = staticmethod(nothing)

    def push(self, commit: str, expected: str, deadline: float, *options: str) -> bool:
        self.before()
        pushed = super().push(commit, expected, deadline, *options)
        self.after()
        return pushed


class GitShop(Shop):
    """A shop whose flags are in a repository, with a worker that can die at any push."""

    def __init__(self, database: Database, root: Path) -> None:
        self.remote = Remote(root)
        super().__init__(database, root, self.remote.address, self._opened)

    def _opened(self, _connection: Connection, _credential: SecretStr | None) -> FlagdFiles:
        files = self.remote.open()
        place = repository_of(files)
        self.branch = WatchedBranch(place.address, place.branch._network, place.branch._author, 60)
        place.branch = self.branch
        return files

    def dies(self, attempt: Callable[[], object], *, before: bool) -> None:
        """Run an attempt that is killed before or after its push."""
        if before:
            self.branch.before = _die
        else:
            self.branch.after = _die
        with suppress(Died):
            attempt()
            raise AssertionError("It was not killed.")
        self.branch.before = self.branch.after = nothing

    def recorded(self, release: Release) -> list[str]:
        """Return the keys of the changes on the record, without the release."""
        return [each.key.removeprefix(f"{release.id}/") for each in changes_of(self.world, release)]


def _die() -> None:
    raise Died


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Iterator[GitShop]:
    shop = GitShop(database, tmp_path)
    yield shop
    shop.elsewhere.systems.close()


def test_each_step_of_a_release_is_one_commit(shop: GitShop) -> None:
    release = shop.add("checkout", stage("Staff", actions=[enable("staff")]), stage("Half", "production", actions=[rollout(50, 50, "1h")]))

    assert isinstance(shop.change(release), Made)
    with shop.world.database.reading() as store:
        half = store.pipelines.version(release.pipeline.id).definition.stages[1]
    assert isinstance(shop.change(release, step=1, patch=half.patch({}, 1)), Made)

    assert shop.remote.subjects() == ["Begin", "Change checkout in staging", "Change checkout in production"]
    body = git("-C", shop.remote.bare, "log", "-1", "--format=%b", "main")
    assert body.splitlines()[:3] == ["Project: shop", "Stage: Half", f"Release: {release.id}"]
    assert shop.remote.flag()["targeting"] == {"fractional": [["on", 50], ["off", 50]]}


@pytest.mark.parametrize("before", [True, False], ids=["before the push", "after the push"])
def test_worker_that_dies_makes_the_change_once_with_its_next_attempt(shop: GitShop, before: bool) -> None:
    release = shop.add("checkout", stage("Everyone", "production"))

    shop.dies(lambda: shop.change(release), before=before)
    assert shop.recorded(release) == []
    assert isinstance(shop.change(release), Made)

    assert shop.remote.subjects() == ["Begin", "Change checkout in production"]
    assert shop.recorded(release) == ["1/1"]
    assert shop.intents(release) == []
    [change] = changes_of(shop.world, release)
    assert (change.before.enabled, change.after.enabled) == (False, True)


@pytest.mark.parametrize("before", [True, False], ids=["before the push", "after the push"])
def test_worker_that_dies_in_a_rollback_undoes_the_change_once(shop: GitShop, before: bool) -> None:
    release = shop.add("checkout", stage("Everyone", "production"), stage("Watch", "production", "7d"))
    shop.change(release)
    roll_back(shop.world, release, at=LATER)

    shop.dies(lambda: shop.put_back(release), before=before)
    shop.put_back(release)

    assert shop.remote.subjects() == ["Begin", "Change checkout in production", "Roll back checkout in production"]
    assert shop.remote.flag()["defaultVariant"] == "off"
    assert shop.world.release(release.id).status is ReleaseStatus.ROLLED_BACK
    assert shop.recorded(release) == ["1/1", "rollback/1/production"]


@pytest.mark.parametrize("moment", ["before", "after"], ids=["between reading and writing", "between writing and verification"])
def test_push_of_a_person_to_the_same_field_blocks_the_release(shop: GitShop, moment: str) -> None:
    release = shop.add("colour", stage("Value", "production", actions=[set_value("blue")]))
    edit = {"variants": {"red": "red", "blue": "blue", "green": "green"}, "defaultVariant": "green"}
    setattr(shop.branch, moment, lambda: _once(shop, lambda: shop.remote.by_hand("colour", edit)))

    if moment == "before":
        with pytest.raises(ProviderUnavailable, match="was changed while Flaghoist was about to write it"):
            shop.change(release)
    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "flag_changed_by_hand"
    assert shop.remote.flag("colour")["defaultVariant"] == "green"
    assert shop.remote.subjects()[-1] == "Change colour by hand"


def _once(shop: GitShop, act: Callable[[], object]) -> None:
    shop.branch.before = shop.branch.after = nothing
    act()


def test_remote_that_is_gone_is_an_outage_until_it_is_back(shop: GitShop, tmp_path: Path) -> None:
    release = shop.add("checkout", stage("Everyone", "production"))
    shop.branch.before = lambda: _once(shop, lambda: shop.remote.bare.rename(tmp_path / "away"))

    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            shop.change(release)
    (tmp_path / "away").rename(shop.remote.bare)

    assert isinstance(shop.change(release), Made)
    assert shop.remote.subjects() == ["Begin", "Change checkout in production"]


def test_rule_of_the_server_blocks_the_release(shop: GitShop) -> None:
    release = shop.add("checkout", stage("Everyone", "production"))
    shop.remote.hook("pre-receive", "echo 'Only reviewed changes.' >&2; exit 1")

    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert (answer.blocked.code, answer.blocked.message) == (
        "provider_refused",
        "flagd refuses: The push was refused: Only reviewed changes.",
    )


PROGRAM = """
import os, signal, sys
from pathlib import Path
from tests.flagd.files import KEYS
from tests.flagd.repositories import Remote
from domain.flags.patch import FlagPatch
remote = Remote.__new__(Remote)
remote.root = Path(sys.argv[1])
(remote.root / "worker").write_text(str(os.getpid()))
remote.open(address=sys.argv[2]).apply("checkout", "production", FlagPatch(enabled=True), KEYS)
"""


def test_worker_that_is_killed_in_a_push_leaves_one_commit(tmp_path: Path) -> None:
    """The server carries the push out although the worker is gone, while another worker makes the change."""
    remote = Remote(tmp_path)
    remote.hook(
        "pre-receive",
        f"test -e {tmp_path}/first && exit 0; touch {tmp_path}/first; kill -9 $(cat {tmp_path}/worker);"
        f" while ! test -e {tmp_path}/go; do sleep 0.05; done; touch {tmp_path}/gone",
    )

    environment = os.environ | {"TMPDIR": str(tmp_path)}  # It leaves its copy behind.
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), remote.address]
    killed = subprocess.run(command, env=environment, check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert remote.subjects() == ["Begin"]
    files = remote.open()
    files.apply("checkout", "production", FlagPatch(enabled=True), KEYS)
    (tmp_path / "go").touch()
    wait_for("the push of the worker that was killed", (tmp_path / "gone").exists)
    files.apply("checkout", "production", FlagPatch(enabled=True), KEYS)

    assert remote.subjects() == ["Begin", "Change production"]
    assert remote.flag()["defaultVariant"] == "on"
    files.close()
