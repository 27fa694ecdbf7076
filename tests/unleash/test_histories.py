"""Random histories on a real Unleash: whatever people, workers and networks do, the record and the flag agree."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from activities.store.database import Database
from tests.unleash.histories.machine import History, new_segments
from tests.unleash.server import UnleashServer

HISTORIES = int(os.environ.get("MACHINE_EXAMPLES", "25"))
SEED = int(os.environ.get("MACHINE_SEED", "3"))
STEPS = 14

pytestmark = pytest.mark.xdist_group("unleash")

Run = Callable[[int], None]


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, unleash: UnleashServer) -> Run:
    """A function that runs the history with that number, with a new database and a new feature."""
    segments = new_segments(unleash)
    path = tmp_path / "flaghoist.db"

    def run(number: int) -> None:
        for each in tmp_path.glob("flaghoist.db*"):
            each.unlink()
        shutil.copy(migrated_sqlite, path)
        with closing(Database(f"sqlite:///{path}")) as database:
            random = Random(f"{SEED} {number}")  # noqa: S311 (reproducible, not a secret)
            try:
                History(database, unleash, segments, random).run(STEPS)
            except AssertionError as error:
                error.add_note(f"This is history {number} of seed {SEED}.")
                raise

    return run


@pytest.mark.timeout(120 + 60 * HISTORIES)
def test_record_and_flag_agree_whatever_happens(run: Run) -> None:
    for number in range(HISTORIES):
        run(number)
