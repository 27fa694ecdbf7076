"""Metrics and the kinds of their sources."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import Invalid
from domain.metrics.metric import Metric
from domain.metrics.source import SourceKind
from domain.metrics.validation import check_metric, check_path

PROMETHEUS, SQL, HTTP = SourceKind


def metric(query: str = "up", **more: Any) -> Metric:
    return Metric.model_validate({"key": "errors", "name": "Errors", "source": "main", "query": query, **more})


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        (PROMETHEUS, metric(freshness='max(timestamp(up{job="{project}"}))')),
        (PROMETHEUS, metric(shape="GROUPS", minimum=100)),
        (SQL, metric("SELECT 1")),
        (HTTP, metric("/errors", pointer="/value", as_of="/at")),
        (HTTP, metric("/errors", pointer="")),
    ],
)
def test_a_metric_fits_its_source(kind: SourceKind, definition: Metric) -> None:
    check_metric(definition, kind)


@pytest.mark.parametrize(
    ("kind", "definition", "pointers"),
    [
        (PROMETHEUS, metric('x{f="{featur}"}', freshness="{y}"), ["/query", "/freshness"]),
        (PROMETHEUS, metric(pointer="/value", as_of="/at"), ["/pointer", "/as_of"]),
        (SQL, metric("SELECT 1", freshness="up"), ["/freshness"]),
        (SQL, metric("SELECT 1", as_of="/at"), ["/as_of"]),
        (HTTP, metric("/errors"), ["/pointer"]),
        (HTTP, metric("errors", pointer="/value"), ["/query"]),
    ],
)
def test_every_problem_is_named(kind: SourceKind, definition: Metric, pointers: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        check_metric(definition, kind)

    assert [problem.pointer for problem in refusal.value.problems] == pointers


def test_a_column_replaces_the_pointer_of_a_time() -> None:
    with pytest.raises(Invalid, match="A column that is named as_of"):
        check_metric(metric("SELECT 1", as_of="/at"), SQL)


@pytest.mark.parametrize(
    "more",
    [
        {"minimum": 5},
        {"shape": "GROUPS", "minimum": 1},
        {"max_age": "0s"},
        {"query": "  "},
        {"query": "a\x07b"},
        {"pointer": "value"},
        {"pointer": "/a~2"},
        {"unit": "ms"},
    ],
)
def test_a_metric_that_can_not_work_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        metric(**more)


def test_a_metric_has_two_minutes_and_two_members_by_default() -> None:
    assert metric().model_dump(mode="json")["max_age"] == "PT2M"
    assert metric(shape="GROUPS").fewest == 2
    assert metric(shape="GROUPS", minimum=50).fewest == 50


def test_a_path_of_a_check_is_validated() -> None:
    check_path("/ready/{feature}")
    with pytest.raises(Invalid) as refusal:
        check_path("/ready/{featur}")
    assert refusal.value.problems[0].pointer == "/path"
