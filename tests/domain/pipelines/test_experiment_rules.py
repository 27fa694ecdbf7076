"""Problems and warnings of pipelines with experiments."""

from typing import Any

import pytest

from domain.metrics.metric import MetricShape
from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.validation import Known, problems_of, warnings_of
from tests.pipelines import allocate, enable, pipeline, stage
from tests.world import NOW

KNOWN = Known({"staging", "production"}, {"beta-users"}, {"conversion": MetricShape.GROUPS})
GATE: dict[str, Any] = {"type": "EXPERIMENT", "metric": "conversion", "variants": ["blue"], "planned": 5_000, "longest": "28d"}
SHIP = {"type": "SHIP_WINNER"}


def experiment(*before: dict[str, Any], **fields: Any) -> PipelineDefinition:
    """Return a pipeline that allocates, runs an experiment in production, and ships its winner."""
    ship = stage("Ship", "production", actions=[SHIP]) | {"gates": [GATE | fields]}
    return PipelineDefinition.model_validate(pipeline(*before, ship))


def split(allocation: dict[str, float], environment: str = "production", segment: str | None = None) -> dict[str, Any]:
    return stage(f"Split {environment}", environment, actions=[enable(), allocate(allocation, segment)])


def found(definition: PipelineDefinition) -> list[tuple[str, str]]:
    return [(each.code, each.pointer) for each in problems_of(definition, KNOWN, NOW)]


@pytest.mark.parametrize(
    ("before", "fields"),
    [
        ([split({"blue": 50})], {}),
        ([split({"blue": 20})], {"shares": {"control": 80, "blue": 20}}),
        ([split({"blue": 20})], {"shares": {"control": 4, "blue": 1}}),
        ([split({"blue": 33.33, "red": 33.33})], {"variants": ["blue", "red"]}),
        ([split({"blue": 10, "red": 80})], {"variants": ["blue"]}),
        ([split({"blue": 20}, "staging"), split({"blue": 50})], {}),
        ([split({"blue": 50}), split({"blue": 20}, "staging")], {}),
        ([split({"blue": 50}, segment="beta-users")], {}),
        ([stage("On", "production")], {"shares": {"control": 1, "blue": 99}}),
    ],
    ids=["equal", "named", "proportional", "thirds", "other variant", "other environment", "later elsewhere", "segment", "by hand"],
)
def test_experiment_with_the_shares_that_are_served_can_be_published(before: list[dict[str, Any]], fields: dict[str, Any]) -> None:
    assert found(experiment(*before, **fields)) == []


@pytest.mark.parametrize(
    ("before", "fields", "remedy"),
    [
        ([split({"blue": 20})], {}, "set shares to control: 80, blue: 20."),
        ([split({"blue": 50})], {"shares": {"control": 80, "blue": 20}}, "set shares to control: 50, blue: 50."),
        ([split({"blue": 50.5})], {}, "set shares to control: 49.5, blue: 50.5."),
        ([split({"blue": 20}, segment="beta-users")], {}, "set shares to control: 80, blue: 20."),
        ([split({"blue": 50}), stage("More", "production", "1d", [allocate({"blue": 60})])], {}, "set shares to control: 40, blue: 60."),
    ],
)
def test_experiment_that_expects_other_shares_than_are_served_is_refused(
    before: list[dict[str, Any]], fields: dict[str, Any], remedy: str
) -> None:
    definition = experiment(*before, **fields)
    number = len(before)

    assert found(definition) == [("shares_differ", f"/stages/{number}/gates/0/shares")]
    assert problems_of(definition, KNOWN, NOW)[0].message.endswith(remedy)


@pytest.mark.parametrize(("allocation", "missing"), [({"red": 50}, "blue"), ({"blue": 100}, "control")])
def test_arm_that_nobody_is_served_is_refused(allocation: dict[str, float], missing: str) -> None:
    definition = experiment(split(allocation))

    assert found(definition) == [("arm_not_served", "/stages/1/gates/0/variants")]
    assert f"serves '{missing}' to nobody" in problems_of(definition, KNOWN, NOW)[0].message


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        ([stage("Ship", "production", actions=[SHIP])], ("no_experiment", "/stages/0/actions/0")),
        ([stage("Ship", "production", actions=[SHIP]) | {"gates": [GATE, GATE]}], ("two_experiments", "/stages/0/gates/1")),
        (
            [stage("Ship", "production", actions=[SHIP]) | {"gates": [GATE, {"type": "APPROVAL"}]}],
            ("approval_of_winner", "/stages/0/actions/0"),
        ),
    ],
)
def test_winner_that_could_not_be_shipped_is_refused(stages: list[dict[str, Any]], problem: tuple[str, str]) -> None:
    assert found(PipelineDefinition.model_validate(pipeline(*stages))) == [problem]


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({}, []),
        ({"planned": 10_000}, [("planned_by_default", "/stages/1/gates/0/planned")]),
        ({"longest": "10d"}, [("part_of_a_period", "/stages/1/gates/0/longest")]),
        ({"longest": "3d"}, [("part_of_a_period", "/stages/1/gates/0/longest")]),
        ({"longest": "10d", "decide_every": "1d"}, []),
    ],
)
def test_experiment_that_is_weaker_than_it_looks_is_warned_about(fields: dict[str, Any], warned: list[tuple[str, str]]) -> None:
    assert [(each.code, each.pointer) for each in warnings_of(experiment(split({"blue": 50}), **fields))] == warned
