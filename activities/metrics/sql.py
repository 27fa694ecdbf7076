"""Metrics from SQL databases: one query that can only read, with bound values and a limit of rows."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import DateTime, String, TextClause, bindparam, text

from activities.metrics.adapter import CannotTell, Deadline, Point, Reading, SentQuery
from activities.metrics.rows import MOST_GROUPS, Row, groups_in, value_in
from activities.tracing import Kind, span
from domain.instant import print_instant
from domain.metrics.metric import Metric, MetricQuestion, MetricShape
from domain.metrics.query import bound_in, bound_values

ReadRows = Callable[[TextClause, int, Deadline], list[Row]]
"""A function that returns at most so many rows of a query, or raises CannotTell. It opens and closes a connection of its own."""

_TIMES = ("since", "now")


class SqlSource:
    """One database. No connection is kept open between questions."""

    def __init__(self, read: ReadRows) -> None:
        self.read = read

    def ask(self, metric: Metric, question: MetricQuestion, deadline: Deadline) -> Reading:
        """Return the answer of the query."""
        is_value = metric.shape is MetricShape.VALUE
        with span("query source", Kind.CLIENT, {"flaghoist.source": metric.source, "flaghoist.metric": metric.key}):
            rows = self.read(_statement(metric.query, question), 2 if is_value else MOST_GROUPS + 1, deadline)
        return value_in(rows) if is_value else groups_in(metric, rows)

    def history(self, metric: Metric, question: MetricQuestion, step: timedelta, deadline: Deadline) -> Sequence[Point] | None:  # noqa: ARG002 (the signature is that of every adapter)
        """Return nothing: a query has one answer, for now."""
        return None

    def sent(self, metric: Metric, question: MetricQuestion) -> SentQuery:
        """Return the query as it was written, with the values that are bound to it."""
        values = bound_values(question)
        return SentQuery(metric.query, {name: _shown(values[name]) for name in bound_in(metric.query)})

    def check(self, deadline: Deadline) -> str:
        """Run a query without tables."""
        self.read(text("SELECT 1 AS value"), 1, deadline)
        return "It answers queries."


def rows_of(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> list[Row]:
    """Return rows as dictionaries. Raises CannotTell if two columns have the same name."""
    names = list(columns)
    if len(set(names)) < len(names):
        raise CannotTell("ambiguous", "Two columns of the query have the same name: rename or remove one.")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _statement(query: str, question: MetricQuestion) -> TextClause:
    types = {name: DateTime(timezone=True) if name in _TIMES else String() for name in bound_in(query)}
    values = bound_values(question)
    return text(query).bindparams(*(bindparam(name, values[name], type_=kind) for name, kind in types.items()))


def _shown(value: str | datetime | None) -> str:
    return "null" if value is None else print_instant(value) if isinstance(value, datetime) else value
