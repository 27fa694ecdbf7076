"""Random histories on a real Unleash: whatever people, workers and networks do, the record and the flag agree."""

import os
import shutil
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Protocol

import pytest

from activities.store.database import Database
from tests.unleash.histories.machine import History, new_segments
from tests.unleash.histories.planted import PLANTED, Plant, part_of_an_allocation_is_forgotten
from tests.unleash.server import UnleashServer

HISTORIES = int(os.environ.get("MACHINE_EXAMPLES", "25"))
SEED = int(os.environ.get("MACHINE_SEED", "3"))
STEPS = 14

pytestmark = pytest.mark.xdist_group("unleash")


class Run(Protocol):
    """Runs the history with that number."""

    def __call__(self, number: int, seed: int = SEED, *, allocates: bool = False) -> None: ...


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, unleash: UnleashServer) -> Run:
    """A function that runs the history with that number, with a new database and a new feature."""
    segments = new_segments(unleash)
    path = tmp_path / "flaghoist.db"

    def run(number: int, seed: int = SEED, *, allocates: bool = False) -> None:
        for each in tmp_path.glob("flaghoist.db*"):
            each.unlink()
        shutil.copy(migrated_sqlite, path)
        with closing(Database(f"sqlite:///{path}")) as database:
            random = Random(f"{seed} {number}")  # noqa: S311 (reproducible, not a secret)
            try:
                History(database, unleash, segments, random, allocates=allocates).run(STEPS)
            except AssertionError as error:
                error.add_note(f"This is history {number} of seed {seed}.")
                raise

    return run


@pytest.mark.timeout(120 + 60 * HISTORIES)
def test_record_and_flag_agree_whatever_happens(run: Run) -> None:
    for number in range(HISTORIES):
        run(number)


@pytest.mark.timeout(120 + 60 * HISTORIES)
def test_record_and_allocations_agree_whatever_happens(run: Run) -> None:
    for number in range(HISTORIES // 2):
        run(number, allocates=True)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("plant", "number"), PLANTED, ids=lambda each: getattr(each, "__name__", ""))
def test_planted_defect_is_found(run: Run, monkeypatch: pytest.MonkeyPatch, plant: Plant, number: int) -> None:
    plant(monkeypatch)

    with pytest.raises(AssertionError, match="in Unleash:"):
        run_some(run, number)


@pytest.mark.timeout(1200)
def test_planted_defect_of_allocations_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    part_of_an_allocation_is_forgotten(monkeypatch)

    with pytest.raises(AssertionError, match="in Unleash:"):
        run_some(run, 20, allocates=True)


def run_some(run: Run, first: int, *, allocates: bool = False) -> None:
    """Run ten histories of seed 3, because two attempts at once are not always in the same order."""
    for number in range(first, first + 10):
        run(number, seed=3, allocates=allocates)
