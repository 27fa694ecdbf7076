"""Notes of a simulation on stages whose time it can't know."""

from datetime import UTC, datetime

from domain.pipelines.pipeline import Stage
from domain.releases.simulation import simulate
from tests.pipelines import stage


def test_stage_with_an_experiment_says_from_when_on_it_decides() -> None:
    experiment = {"type": "EXPERIMENT", "metric": "conversion", "variants": ["blue"], "shortest": "10d", "longest": "28d"}
    ship = stage("Ship", "production", "1d", actions=[{"type": "SHIP_WINNER"}]) | {"gates": [experiment]}

    [found] = simulate([Stage.model_validate(ship)], 0, datetime(2026, 3, 2, 9, tzinfo=UTC), {})

    assert found.note == (
        "It waits for an experiment, which decides from 2026-03-16 09:00:00 UTC on, and without a winner at 2026-03-30 09:00:00 UTC."
    )
