"""Publishing reports everything that could not work, and warns of what is probably not intended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.validation import Known, problems_of, warnings_of
from tests.pipelines import allocate, enable, hold, pipeline, rollout, set_value, ship_winner, stage, until

ENVIRONMENTS = {"development", "staging", "production"}
SEGMENTS = {"beta", "staff"}
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def problems(*stages: dict[str, Any]) -> list[tuple[str, str]]:
    definition = PipelineDefinition.model_validate(pipeline(*stages, parameters=PARAMETERS))
    return [(each.code, each.pointer) for each in problems_of(definition, Known(ENVIRONMENTS, SEGMENTS), NOW)]


def warnings(*stages: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.code, each.pointer) for each in warnings_of(PipelineDefinition.model_validate(pipeline(*stages)))]


PROBLEMS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, str]]]] = {
    "no stage": ([], [("no_stage", "/stages")]),
    "a stage that does nothing": ([stage("A"), stage("B", actions=[])], [("does_nothing", "/stages/1")]),
    "an unknown environment": ([stage("A", "moon")], [("no_such_environment", "/stages/0/environment")]),
    "a hold in an unknown environment": ([hold("A", "1h", "moon")], [("no_such_environment", "/stages/0/environment")]),
    "an unknown segment": (
        [stage("A", actions=[enable(), enable("nobody")])],
        [("no_such_segment", "/stages/0/actions/1/segment")],
    ),
    "a wait of zero": ([stage("A", wait="0s")], [("wait_not_positive", "/stages/0/trigger/duration")]),
    "a name used twice, in another case": (
        [stage("Beta"), stage("Other", "staging"), stage("BETA", "production")],
        [("name_used_twice", "/stages/2/name")],
    ),
    "one field set twice": ([stage("A", actions=[enable(), enable(enabled=False)])], [("contradiction", "/stages/0/actions/1")]),
    "one field set twice to the same value": (
        [stage("A", actions=[set_value("x"), set_value("x")])],
        [("contradiction", "/stages/0/actions/1")],
    ),
    "one field set three times for a segment": (
        [stage("A", actions=[enable("beta"), enable("staff"), enable("beta"), enable("beta")])],
        [("contradiction", "/stages/0/actions/2"), ("contradiction", "/stages/0/actions/3")],
    ),
    "an override set beside the removal of all": (
        [stage("A", actions=[enable("beta"), enable() | {"overrides": "remove"}])],
        [("contradiction", "/stages/0/actions/0")],
    ),
    "values of two types": (
        [stage("A", actions=[set_value(None)]), stage("B", "staging", actions=[set_value("x"), set_value(True, "beta")])],
        [("value_type", "/stages/1/actions/1/value")],
    ),
    "an integer and a boolean": (
        [stage("A", actions=[set_value(1)]), stage("B", "staging", actions=[set_value(True)])],
        [("value_type", "/stages/1/actions/0/value")],
    ),
}


PARAMETERS = {
    "text": {"type": "string"},
    "number": {"type": "integer"},
    "when": {"type": "datetime", "default": "2026-03-29T02:30"},
}


def from_parameter(name: str) -> dict[str, Any]:
    return {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": name}}


PROBLEMS |= {
    "a rollout beside actions that set its fields": (
        [stage("A", actions=[rollout(), enable(), set_value(1)])],
        [("contradiction", "/stages/0/actions/1"), ("contradiction", "/stages/0/actions/2")],
    ),
    "two allocations, and one for a segment that does not exist": (
        [stage("A", actions=[allocate({"a": 1}), allocate({"b": 1}), allocate({"b": 1}, "nobody")])],
        [("contradiction", "/stages/0/actions/1"), ("no_such_segment", "/stages/0/actions/2/segment")],
    ),
    "a rollout and a winner in steps": (
        [stage("A", actions=[rollout(), ship_winner()])],
        [("contradiction", "/stages/0/actions/1"), ("no_experiment", "/stages/0/actions/1")],
    ),
    "a winner without time between its steps": (
        [stage("A", actions=[ship_winner(every="0s")])],
        [("wait_not_positive", "/stages/0/actions/0/every"), ("no_experiment", "/stages/0/actions/0")],
    ),
    "two rollouts": ([stage("A", actions=[rollout(), rollout()])], [("contradiction", "/stages/0/actions/1")]),
    "a rollout without time between its steps": (
        [stage("A", actions=[rollout(every="0s")])],
        [("wait_not_positive", "/stages/0/actions/0/every")],
    ),
    "a parameter that is not declared": (
        [stage("A", actions=[from_parameter("colour")])],
        [("undeclared_parameter", "/stages/0/actions/0/value_from/parameter")],
    ),
    "a point in time as a value": (
        [stage("A", actions=[from_parameter("when")])],
        [("parameter_type", "/stages/0/actions/0/value_from/parameter")],
    ),
    "a value as a point in time": (
        [stage("A") | {"trigger": until(parameter="text")}],
        [("parameter_type", "/stages/0/trigger/at_from/parameter")],
    ),
    "a time from a parameter that is not declared": (
        [stage("A") | {"trigger": until(parameter="launch")}],
        [("undeclared_parameter", "/stages/0/trigger/at_from/parameter")],
    ),
    "a default that does not exist in the stage's zone": (
        [stage("A") | {"trigger": until(parameter="when", timezone="Europe/Berlin")}],
        [("not_a_time", "/stages/0/trigger/at_from")],
    ),
    "a local time as default in a stage without a zone": (
        [stage("A") | {"trigger": until(parameter="when")}],
        [("not_a_time", "/stages/0/trigger/at_from")],
    ),
    "a time too far ahead": ([stage("A") | {"trigger": until("2033-01-01T00:00Z")}], [("not_a_time", "/stages/0/trigger/at")]),
    "a parameter and a value of two types": (
        [stage("A", actions=[set_value("x")]), stage("B", "staging", actions=[from_parameter("number")])],
        [("value_type", "/stages/1/actions/0/value_from/parameter")],
    ),
}


@pytest.mark.parametrize(("stages", "found"), PROBLEMS.values(), ids=PROBLEMS)
def test_publishing_refuses(stages: list[dict[str, Any]], found: list[tuple[str, str]]) -> None:
    assert problems(*stages) == found


def test_publishing_reports_every_problem_at_once() -> None:
    everything = problems(
        stage("A", "moon", "0s", [enable("nobody"), enable("nobody"), enable() | {"overrides": "remove"}, set_value(1)]),
        stage("a", actions=[]),
        stage("C", actions=[set_value("x")]),
    )

    assert sorted(everything) == [
        ("contradiction", "/stages/0/actions/0"),
        ("contradiction", "/stages/0/actions/1"),
        ("contradiction", "/stages/0/actions/1"),
        ("does_nothing", "/stages/1"),
        ("name_used_twice", "/stages/1/name"),
        ("no_such_environment", "/stages/0/environment"),
        ("no_such_segment", "/stages/0/actions/0/segment"),
        ("no_such_segment", "/stages/0/actions/1/segment"),
        ("value_type", "/stages/2/actions/0/value"),
        ("wait_not_positive", "/stages/0/trigger/duration"),
    ]


def test_every_problem_has_a_message_with_a_remedy() -> None:
    for stages, _ in PROBLEMS.values():
        definition = PipelineDefinition.model_validate(pipeline(*stages, parameters=PARAMETERS))
        assert all(len(each.message) > 30 for each in problems_of(definition, Known(ENVIRONMENTS, SEGMENTS), NOW))


@pytest.mark.parametrize(
    "stages",
    [
        [stage("A"), stage("B", "staging"), stage("C", "production", "24h"), hold("D", "2d")],
        [stage("A", actions=[enable(), set_value("x"), enable("beta"), set_value("y", "beta"), enable("staff")])],
        [stage("A", actions=[enable() | {"overrides": "remove"}, set_value("x") | {"overrides": "remove"}])],
        [stage("A", actions=[set_value(None)]), stage("B", "staging", actions=[set_value(1)])],
        [hold("Only a hold", "1s")],
        [stage("A", actions=[rollout(value="x"), enable("beta")]), stage("B", "staging") | {"trigger": until("2020-01-01T00:00Z")}],
        [stage("A") | {"trigger": until("2026-10-25T02:30", timezone="Europe/Berlin")}],
    ],
)
def test_a_valid_pipeline_has_no_problems_and_no_warnings(stages: list[dict[str, Any]]) -> None:
    assert (problems(*stages), warnings(*stages)) == ([], [])


def test_it_warns_of_consecutive_changes_to_one_environment_without_a_wait() -> None:
    code = "no_wait_between"
    assert warnings(stage("A"), stage("B")) == [(code, "/stages/1/trigger")]
    assert warnings(stage("A"), stage("B"), stage("C")) == [(code, "/stages/1/trigger"), (code, "/stages/2/trigger")]
    assert warnings(stage("A"), stage("B", wait="1s")) == []
    assert warnings(stage("A"), stage("B", "staging")) == []
    assert warnings(stage("A"), hold("Soak", "1h", "development"), stage("B")) == []


def test_it_warns_of_an_override_that_stays_after_a_later_stage_for_everyone() -> None:
    beta, everyone = stage("Beta", actions=[enable("beta")]), stage("Everyone", wait="1h", actions=[enable()])
    removing = stage("Everyone", wait="1h", actions=[enable() | {"overrides": "remove"}])
    after = stage("After", wait="1h", actions=[set_value("x")])

    assert warnings(beta, everyone) == [("override_outlives", "/stages/1")]
    assert warnings(beta, hold("Soak", "1h", "development"), everyone) == [("override_outlives", "/stages/2")]
    assert warnings(beta, everyone | {"environment": "staging"}) == []
    assert warnings(everyone, beta | {"trigger": {"type": "WAIT_FOR", "duration": "1h"}}) == []
    assert warnings(beta, removing, after) == []
    assert warnings(beta | {"environment": "staging"}, removing, after | {"environment": "staging"}) == [("override_outlives", "/stages/2")]


def test_it_warns_of_a_parameter_that_no_stage_uses() -> None:
    definition = PipelineDefinition.model_validate(pipeline(stage("A"), parameters={"text": {"type": "string"}}))

    assert [(each.code, each.pointer) for each in warnings_of(definition)] == [("unused_parameter", "/parameters/text")]


def test_it_warns_of_an_override_that_stays_after_a_rollout() -> None:
    beta, keeps = stage("Beta", actions=[enable("beta")]), stage("Everyone", wait="1h", actions=[rollout()])
    removes = keeps | {"actions": [rollout(overrides="remove")]}

    assert warnings(beta, keeps) == [("override_outlives", "/stages/1")]
    assert warnings(beta, removes) == []
