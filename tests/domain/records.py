"""Releases and rollbacks as the record can hold them."""

from typing import Any

from domain.access import Person
from domain.pipelines.pipeline import PipelineDefinition
from domain.releases.release import Blocked, PipelineRef, Release
from domain.releases.rollback import Rollback
from domain.releases.status import ReleaseStatus
from tests.pipelines import enable, hold, pipeline, stage
from tests.world import NOW

DEFINITION = PipelineDefinition.model_validate(
    pipeline(
        stage("Development"),
        stage("Beta", "production", "1h", [enable("beta")]),
        stage("Everyone", "production", "24h"),
        hold("Watch", "2d"),
    )
)

BLOCKED = Blocked(code="segment_not_found", message="There is no segment 'beta'.", since=NOW, details={"now": {"value": "x"}})


def a_release(index: int = 1, **more: Any) -> Release:
    """Return a running release in the stage at that index."""
    current = DEFINITION.stages[index]
    values: dict[str, Any] = {
        "id": "r1",
        "project": "shop",
        "feature": "checkout",
        "pipeline": PipelineRef(id="p1", key="standard", version=1, name="Standard"),
        "status": ReleaseStatus.RUNNING,
        "stage_index": index,
        "stage": current.name,
        "environment": current.environment,
        "visit": index + 1,
        "sequence": index,
        "write_key": "k",
        "starting_stage": 0,
        "on_conflict": "block",
        "added_at": NOW,
        "added_by": "olivia",
        "responsible": "olivia",
        "responsible_id": "o1",
    }
    return Release(**(values | more))


def a_rollback(**more: Any) -> Rollback:
    """Return a rollback of everything, requested by olivia."""
    person = Person(key="k1", owner="olivia", owner_id="o1")
    values: dict[str, Any] = {"n": 1, "by": person, "asked_at": NOW}
    return Rollback(**(values | more))
