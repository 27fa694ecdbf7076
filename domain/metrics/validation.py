"""Validation of a metric against its source: what a pydantic model can't know."""

from collections.abc import Callable, Iterator, Mapping

from domain.errors import Invalid, Problem
from domain.metrics.metric import Metric, MetricShape
from domain.metrics.query import Mistake, mistakes_in_promql, mistakes_in_sql, mistakes_in_url
from domain.metrics.source import SourceKind

_MISTAKES: Mapping[SourceKind, Callable[[str], Iterator[Mistake]]] = {
    SourceKind.PROMETHEUS: mistakes_in_promql,
    SourceKind.SQL: mistakes_in_sql,
    SourceKind.HTTP: mistakes_in_url,
}
_ONLY_FOR = {"freshness": SourceKind.PROMETHEUS, "pointer": SourceKind.HTTP, "as_of": SourceKind.HTTP}


def check_metric(metric: Metric, kind: SourceKind) -> None:
    """Raise Invalid with every problem of a metric that a source of this kind could never answer."""
    if problems := tuple(_problems(metric, kind)):
        raise Invalid(problems[0].message, problems=problems)


def check_path(path: str) -> None:
    """Raise Invalid with every problem of a path at an HTTP source."""
    if problems := tuple(_in_query("/path", mistakes_in_url(path))):
        raise Invalid(problems[0].message, problems=problems)


def _problems(metric: Metric, kind: SourceKind) -> Iterator[Problem]:
    yield from _in_query("/query", _MISTAKES[kind](metric.query))
    for field, needed in _ONLY_FOR.items():
        if getattr(metric, field) is not None and kind is not needed:
            message = f"Only metrics of {needed} sources have '{field}': leave it out.{_instead(field, kind)}"
            yield Problem(pointer=f"/{field}", code="not_for_this_kind", message=message)
    if kind is SourceKind.PROMETHEUS and metric.freshness is not None:
        yield from _in_query("/freshness", mistakes_in_promql(metric.freshness))
    if kind is SourceKind.HTTP and metric.pointer is None:
        what = "number" if metric.shape is MetricShape.VALUE else "list of rows"
        message = f"A metric of an http source needs 'pointer', a JSON pointer to the {what}, such as /data/value."
        yield Problem(pointer="/pointer", code="missing", message=message)


def _instead(field: str, kind: SourceKind) -> str:
    return " A column that is named as_of has the time of the data." if field == "as_of" and kind is SourceKind.SQL else ""


def _in_query(pointer: str, mistakes: Iterator[Mistake]) -> Iterator[Problem]:
    return (Problem(pointer=pointer, code=each.code, message=each.message) for each in mistakes)
