"""A pipeline's parameters get their values when a flag is added."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.pipelines.binding import bind, with_fixed_times
from domain.pipelines.pipeline import PipelineDefinition
from tests.pipelines import enable, hold, pipeline, stage, until
from tests.world import NOW

PARAMETERS = {
    "greeting": {"type": "string", "description": "What it says"},
    "limit": {"type": "integer", "default": 3},
    "launch_at": {"type": "datetime"},
    "cheap": {"type": "boolean"},
}


def from_parameter(name: str) -> dict[str, Any]:
    return {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": name}}


DEFINITION = PipelineDefinition.model_validate(
    pipeline(
        stage("Preparation", actions=[enable(enabled=False), from_parameter("greeting")]),
        stage("Launch", "production") | {"trigger": until(parameter="launch_at", timezone="Europe/London")},
        hold("Watch", "1d"),
        stage("Limit", "production", "1d", actions=[from_parameter("limit")]),
        parameters=PARAMETERS,
    )
)
LAUNCH = "2026-07-01T09:00"


def problems(start: int = 0, **given: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as rejected:
        bind(DEFINITION, start, given, NOW)
    return [(problem.code, problem.pointer) for problem in rejected.value.problems]


def test_given_values_and_defaults_are_bound() -> None:
    assert bind(DEFINITION, 0, {"greeting": "hi", "launch_at": LAUNCH}, NOW) == {"greeting": "hi", "launch_at": LAUNCH, "limit": 3}
    assert bind(DEFINITION, 0, {"greeting": "hi", "launch_at": LAUNCH, "limit": 9}, NOW)["limit"] == 9


def test_parameters_of_earlier_stages_are_not_required() -> None:
    assert bind(DEFINITION, 3, {}, NOW) == {"limit": 3}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, [("missing_parameter", "/parameters/greeting"), ("missing_parameter", "/parameters/launch_at")]),
        ({"greeting": "hi", "launch_at": LAUNCH, "colour": "red"}, [("unknown_parameter", "/parameters/colour")]),
        ({"greeting": 1, "launch_at": LAUNCH}, [("parameter_type", "/parameters/greeting")]),
        ({"greeting": None, "launch_at": LAUNCH}, [("parameter_type", "/parameters/greeting")]),
        ({"greeting": "hi", "launch_at": LAUNCH, "limit": True}, [("parameter_type", "/parameters/limit")]),
        ({"greeting": "hi", "launch_at": 5}, [("parameter_type", "/parameters/launch_at")]),
        ({"greeting": "hi", "launch_at": "soon"}, [("not_a_time", "/parameters/launch_at")]),
        ({"greeting": "hi", "launch_at": "2026-03-29T01:30"}, [("not_a_time", "/parameters/launch_at")]),
        ({"greeting": "hi", "launch_at": "2031-03-09T00:00Z"}, [("not_a_time", "/parameters/launch_at")]),
    ],
)
def test_every_problem_is_reported_at_once(given: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert problems(**given) == found


def test_a_time_in_the_past_is_accepted() -> None:
    assert bind(DEFINITION, 0, {"greeting": "hi", "launch_at": "2020-01-01T00:00Z"}, NOW)["launch_at"] == "2020-01-01T00:00Z"


def test_points_in_time_are_fixed_in_utc_and_nothing_else_changes() -> None:
    stages = with_fixed_times(DEFINITION.stages, {"launch_at": LAUNCH})

    assert stages[1].trigger.model_dump(mode="json") == {"type": "WAIT_UNTIL", "at": "2026-07-01T08:00:00Z"}
    assert [each for each in stages if each not in DEFINITION.stages] == [stages[1]]
    assert with_fixed_times(DEFINITION.stages, {}) == DEFINITION.stages


def test_a_default_must_fit_its_parameter() -> None:
    with pytest.raises(ValueError, match="the default is of type integer, and the parameter of type string"):
        PipelineDefinition.model_validate(pipeline(parameters={"greeting": {"type": "string", "default": 1}}))
