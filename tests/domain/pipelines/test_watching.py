import copy
from typing import Any

import pytest
from pydantic import ValidationError

from domain.metrics.metric import MetricShape
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.validation import Known, problems_of, warnings_of
from domain.pipelines.watching import metrics_used, sources_checked
from tests.pipelines import allocate, enable, hold, pipeline, ship_winner, stage
from tests.world import NOW

SHAPES = {"error-rate": MetricShape.VALUE, "conversion": MetricShape.GROUPS}
KNOWN = Known({"development", "staging", "production"}, {"beta-users"}, SHAPES, {"deploys"})
ERRORS = {
    "name": "Errors",
    "metric": "error-rate",
    "condition": {"type": "THRESHOLD", "at_most": 0.01},
    "stages": ["Everyone"],
    "on_breach": "rollback",
}


def guarded(*guardrails: dict[str, Any], gates: tuple[dict[str, Any], ...] = ()) -> PipelineDefinition:
    """Return a pipeline with these guardrails, and these gates in its last stage but one."""
    plain = pipeline(
        stage("Development", actions=[enable()]),
        stage("Beta users", "production", "1h", [enable("beta-users")]),
        stage("Everyone", "production", "24h", [enable()]),
        hold("Watch", "2d", "production"),
    )
    document = copy.deepcopy(plain) | {"guardrails": list(guardrails)}
    document["stages"][2]["gates"] = list(gates)
    return PipelineDefinition.model_validate(document)


def found(definition: PipelineDefinition) -> list[tuple[str, str]]:
    return [(each.code, each.pointer) for each in problems_of(definition, KNOWN, NOW)]


def test_guardrail_and_gates_that_name_what_exists_can_be_published() -> None:
    metric = {"type": "METRIC", "metric": "error-rate", "condition": {"type": "THRESHOLD", "at_most": 0.01}, "passing_for": "10m"}
    check = {"type": "CHECK", "source": "deploys", "path": "/ready"}
    definition = guarded(ERRORS | {"to_stage": "development"}, gates=(metric, check))

    assert found(definition) == []
    assert metrics_used(definition) == {"error-rate"}
    assert sources_checked(definition) == {"deploys"}


def test_each_impossible_guardrail_is_named_with_a_pointer() -> None:
    wrong = ERRORS | {
        "metric": "eror-rate",
        "stages": ["Everyone", "Evryone"],
        "environment": "prod",
        "every": "1s",
        "to_stage": "Everyone",
    }

    assert found(guarded(ERRORS, wrong)) == [
        ("no_such_environment", "/guardrails/1/environment"),
        ("no_such_metric", "/guardrails/1/metric"),
        ("interval_out_of_range", "/guardrails/1/every"),
        ("no_such_stage", "/guardrails/1/stages/1"),
        ("stage_not_passed", "/guardrails/1/to_stage"),
        ("name_used_twice", "/guardrails/1/name"),
    ]


def test_each_impossible_gate_is_named_with_a_pointer() -> None:
    metric = {"type": "METRIC", "metric": "latency", "condition": {"type": "THRESHOLD", "at_most": 1.0}, "every": "2d"}
    check = {"type": "CHECK", "source": "depoys", "path": "/../x"}

    assert found(guarded(gates=(metric, check))) == [
        ("no_such_metric", "/stages/2/gates/0/metric"),
        ("interval_out_of_range", "/stages/2/gates/0/every"),
        ("invalid_path", "/stages/2/gates/1/path"),
        ("no_such_source", "/stages/2/gates/1/source"),
    ]


@pytest.mark.parametrize(
    ("metric", "condition"),
    [
        ("conversion", {"type": "THRESHOLD", "at_least": 0.1}),
        ("error-rate", {"type": "NOT_WORSE", "margin": 0.1, "better": "lower"}),
    ],
)
def test_condition_that_can_not_judge_the_metric_is_named(metric: str, condition: dict[str, Any]) -> None:
    assert found(guarded(ERRORS | {"metric": metric, "condition": condition})) == [("metric_shape", "/guardrails/0/condition")]


def test_messages_name_the_remedy() -> None:
    wrong = ERRORS | {"metric": "eror-rate", "stages": ["Evryone"]}
    messages = [each.message for each in problems_of(guarded(wrong), KNOWN, NOW)]

    assert "Did you mean 'error-rate'?" in messages[0]
    assert "Did you mean 'Everyone'?" in messages[1]


def test_guardrail_before_any_change_in_its_environment_is_a_warning() -> None:
    definition = guarded(ERRORS | {"stages": ["Beta users", "Everyone"]})

    warnings = [(each.code, each.pointer) for each in warnings_of(definition)]
    assert warnings == [("override_outlives", "/stages/2"), ("nothing_to_watch", "/guardrails/0/stages/0")]


@pytest.mark.parametrize(("initial", "warned"), [(50, ["/stages/1/actions/0/initial"]), (50.01, [])])
def test_winner_whose_first_step_changes_nothing_is_a_warning(initial: float, warned: list[str]) -> None:
    split = stage("Split", "production", actions=[allocate({"one-page": 50})])
    definition = PipelineDefinition.model_validate(pipeline(split, stage("Ship", "production", "1d", [ship_winner(initial=initial)])))

    assert [each.pointer for each in warnings_of(definition) if each.code == "step_changes_nothing"] == warned


@pytest.mark.parametrize(
    "more",
    [
        {"on_breach": "pause", "to_stage": "Development"},
        {"failures": 0},
        {"failures": 21},
        {"stages": []},
        {"condition": {"type": "THRESHOLD"}},
        {"condition": {"type": "THRESHOLD", "at_most": 1.0, "at_least": 2.0}},
        {"condition": {"type": "THRESHOLD", "at_most": float("nan")}},
        {"on_breach": "remove"},
        {"metrc": "x"},
    ],
)
def test_guardrail_that_means_nothing_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Guardrail.model_validate(ERRORS | more)


def test_guardrail_describes_itself() -> None:
    described = Guardrail.model_validate(ERRORS | {"to_stage": "Development", "shadow": True}).in_words()

    assert described == "Errors: error-rate at most 0.01, every 30 s, 2 failures in a row: roll back to 'Development' (in shadow)"


def test_pipeline_without_guardrails_is_written_as_before() -> None:
    assert "guardrails" not in guarded().model_dump(mode="json")
