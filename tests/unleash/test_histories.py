"""Random histories on a real Unleash: whatever people, workers and networks do, the record and the flag agree."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from activities.store.database import Database
from tests.unleash.histories.machine import Histories
from tests.unleash.server import UnleashServer

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "25"))
SEED = int(os.environ.get("MACHINE_SEED", "3"))

pytestmark = pytest.mark.xdist_group("unleash")

Search = Callable[[int], None]


def settings_for(examples: int) -> settings:
    """Return the settings for a number of histories."""
    return settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def search(migrated_sqlite: Path, tmp_path: Path, unleash: UnleashServer) -> Search:
    """A function that goes through a number of histories, each with a new database and a new feature."""
    name = f"Pro {os.urandom(4).hex()}"
    constraint = {"contextName": "plan", "operator": "IN", "values": ["pro"]}
    number = int(unleash.call("POST", "/api/admin/segments", {"name": name, "constraints": [constraint]})["id"])

    def search(examples: int) -> None:
        @seed(SEED)
        class Searched(Histories):
            def __init__(self) -> None:
                path = tmp_path / "flaghoist.db"
                for each in tmp_path.glob("flaghoist.db*"):
                    each.unlink()
                shutil.copy(migrated_sqlite, path)
                super().__init__(Database(f"sqlite:///{path}"), unleash, (name.lower().replace(" ", "-"), number))

        run_state_machine_as_test(Searched, settings=settings_for(examples))

    return search


@pytest.mark.timeout(120 + 60 * EXAMPLES)
def test_record_and_flag_agree_whatever_happens(search: Search) -> None:
    search(EXAMPLES)
