"""On PostgreSQL too, the checks find no violation after a run in which everything fails."""

import subprocess
import sys

import pytest

from tests.chaos.conftest import ON_POSTGRESQL, Run
from tests.chaos.faults import FULL, KILL, REFUSE, STALL, Breakables, schedule_for
from tests.chaos.plan import plan_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # A run waits for rest, however long a busy machine needs.


def test_nothing_is_lost_or_made_twice_on_postgresql(on_postgresql: Run) -> None:
    assert on_postgresql.outcome.violations == []
    assert len(on_postgresql.outcome.evidence.record.releases) == ON_POSTGRESQL.releases
    assert {fault.kind for fault in on_postgresql.outcome.faults} == {KILL, STALL, FULL}
    assert any("database" in fault.victims for fault in on_postgresql.outcome.faults)


def test_seed_determines_the_run() -> None:
    def drawn(seed: int) -> object:
        faults = schedule_for(seed, 60, Breakables([KILL, STALL, REFUSE], ["api", "worker"]), skew=True)
        return plan_for(seed, 20, 60), faults

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_checks_import_nothing_of_the_product() -> None:
    packages = "{'api', 'workflows', 'activities', 'domain', 'settings', 'worker', 'process_exit', 'sqlalchemy'}"
    script = f"import sys, tests.chaos.checks; print({packages} & {{name.partition('.')[0] for name in sys.modules}})"

    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"
