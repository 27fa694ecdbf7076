"""The state machine: whatever people, clocks, workers and networks do to releases, the invariants hold."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from activities.store.database import Database
from tests.workflows.state_machine.environment import Backend, backend_for
from tests.workflows.state_machine.races import Races

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "5"))
SEED = int(os.environ.get("MACHINE_SEED", "3"))

SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def backend(sqlite: Database) -> Iterator[Backend]:
    with asyncio.Runner() as runner:
        context = backend_for(sqlite, runner)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@pytest.mark.timeout(180 * EXAMPLES)
def test_invariants_hold_whatever_happens_to_releases(backend: Backend) -> None:
    @seed(SEED)
    class Releases(Races):
        def __init__(self) -> None:
            super().__init__(backend)

    try:
        run_state_machine_as_test(Releases, settings=SETTINGS)
    except FlakyStrategyDefinition:  # The example can't be repeated: raise its own failure.
        raise backend.failures[0] from None
