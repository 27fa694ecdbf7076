"""Metrics from Prometheus, through its HTTP API."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from activities.metrics.adapter import CannotTell, Deadline, Point, Reading, SentQuery, quoted
from activities.metrics.http_calls import HttpCalls, check_answered, document_of
from activities.metrics.numbers import number_of
from activities.metrics.rows import Row, groups_in
from domain.metrics.metric import Metric, MetricQuestion, MetricShape
from domain.metrics.query import names_window, promql

_NAME = "__name__"
_BAD_DATA = 400, 422


class PrometheusSource:
    """One Prometheus, or a server with the same API."""

    def __init__(self, calls: HttpCalls) -> None:
        self.calls = calls

    def ask(self, metric: Metric, question: MetricQuestion, deadline: Deadline) -> Reading:
        """Return the answer of an instant query."""
        query = promql(metric.query, question)
        kind, result = self._query(query, question.at, deadline)
        if metric.shape is MetricShape.GROUPS:
            return groups_in(metric, _rows(kind, result))._replace(as_of=self._freshness(metric, question, deadline))
        labels, written = _only_value(kind, result)
        as_of = self._freshness(metric, question, deadline)
        if as_of is None and _NAME in labels:  # A plain selector: functions and aggregations drop the name.
            as_of = self._timestamp(query, question.at, deadline)
        return Reading(value=_number(written), as_of=as_of)

    def history(self, metric: Metric, question: MetricQuestion, step: timedelta, deadline: Deadline) -> Sequence[Point] | None:
        """Return the answers of a range query. A query with a window has none, because earlier windows were shorter."""
        if metric.shape is MetricShape.GROUPS or names_window(metric.query):
            return None
        form = {
            "query": promql(metric.query, question),
            "start": _seconds(question.since),
            "end": _seconds(question.at),
            "step": f"{step.total_seconds():.3f}",
        }
        data = self._call("/api/v1/query_range", form, deadline)
        series = data["result"] if data["resultType"] == "matrix" else _refuse_type(data["resultType"])
        if len(series) > 1:
            raise _ambiguous(len(series))
        values = series[0]["values"] if series else []
        return [Point(datetime.fromtimestamp(float(at), UTC), _finite(written)) for at, written in values]

    def sent(self, metric: Metric, question: MetricQuestion) -> SentQuery:
        """Return the PromQL with its values."""
        return SentQuery(promql(metric.query, question), {})

    def check(self, deadline: Deadline) -> str:
        """Evaluate a constant."""
        data = self._call("/api/v1/query", {"query": "vector(1)"}, deadline)
        return f"It answers queries with a {data['resultType']}."

    def _freshness(self, metric: Metric, question: MetricQuestion, deadline: Deadline) -> datetime | None:
        if metric.freshness is None:
            return None
        try:
            seconds = _number(_only_value(*self._query(promql(metric.freshness, question), question.at, deadline))[1])
            return datetime.fromtimestamp(seconds, UTC)
        except CannotTell as reason:
            raise CannotTell(reason.code, f"The freshness query: {reason.message}") from None
        except (ValueError, OverflowError, OSError):
            raise CannotTell("not_a_number", "The freshness query must return the Unix time of the newest data.") from None

    def _timestamp(self, query: str, at: datetime, deadline: Deadline) -> datetime | None:
        """Return the time of a selector's sample, or None if the query is no selector."""
        try:
            return datetime.fromtimestamp(_number(_only_value(*self._query(f"timestamp(\n{query}\n)", at, deadline))[1]), UTC)
        except CannotTell as reason:
            if reason.code == "source_down":
                raise
            return None

    def _query(self, query: str, at: datetime, deadline: Deadline) -> tuple[str, Any]:
        data = self._call("/api/v1/query", {"query": query, "time": _seconds(at)}, deadline)
        return data["resultType"], data["result"]

    def _call(self, path: str, form: dict[str, str], deadline: Deadline) -> Mapping[str, Any]:
        """Return the data of an answer, which has the form that the API promises. Raises CannotTell."""
        response = self.calls.post(path, form | {"timeout": f"{max(math.floor(deadline.left()), 1)}s"}, deadline)
        if response.status_code in _BAD_DATA:
            said = document_of(response)
            raise CannotTell("source_refused", f"Prometheus refused the query: {quoted(_error_in(said))}")
        check_answered(response)
        return _data_of(document_of(response))


def _data_of(document: Any) -> Mapping[str, Any]:
    data = document.get("data") if isinstance(document, dict) and document.get("status") == "success" else None
    if not isinstance(data, dict) or not isinstance(data.get("result"), list) or not _is_regular(data):
        raise CannotTell("source_refused", "The answer is not that of Prometheus's HTTP API.")
    return data


def _error_in(document: Any) -> object:
    return document.get("error", "without a message") if isinstance(document, dict) else "without a message"


def _is_regular(data: Mapping[str, Any]) -> bool:
    """True if values are where the API promises them."""
    kind, result = data.get("resultType"), data["result"]
    if kind in ("scalar", "string"):
        return _is_sample(result)
    if kind == "vector":
        return all(_is_series(each) and _is_sample(each.get("value")) for each in result)
    values = [each["values"] for each in result if _is_series(each) and isinstance(each.get("values"), list)]
    return kind == "matrix" and len(values) == len(result) and all(_is_sample(sample) for series in values for sample in series)


def _is_series(each: object) -> bool:
    return isinstance(each, dict) and isinstance(each.get("metric"), dict)


def _is_sample(each: object) -> bool:
    return isinstance(each, list) and len(each) == 2 and isinstance(each[0], int | float) and isinstance(each[1], str)


def _only_value(kind: str, result: Any) -> tuple[Mapping[str, str], str]:
    """Return the labels and the value of the one series. Raises CannotTell."""
    if kind == "scalar":
        return {}, result[1]
    if kind != "vector":
        _refuse_type(kind)
    if not result:
        raise CannotTell("no_data", "The query returned no series.")
    if len(result) > 1:
        raise _ambiguous(len(result))
    return result[0]["metric"], result[0]["value"][1]


def _ambiguous(number: int) -> CannotTell:
    return CannotTell("ambiguous", f"The query returned {number} series: use sum(...) or another aggregation, so that one remains.")


def _refuse_type(kind: str) -> NoReturn:
    if kind == "string":
        raise CannotTell("not_a_number", "The query returned text, not a number.")
    remedy = "use a function such as rate(...) or max_over_time(...), so that each series has one value."
    raise CannotTell("ambiguous", f"The query returned a range of values ({kind}): {remedy}")


def _rows(kind: str, result: Any) -> list[Row]:
    """Return a row for each value of the label `group`, with a column for each value of the label `column`."""
    if kind != "vector":
        _refuse_type(kind)
    rows: dict[str, dict[str, object]] = {}
    for each in result:
        labels = each["metric"]
        if "group" not in labels or "column" not in labels:
            raise CannotTell("ambiguous", "Each series needs the labels group and column: the guide on metrics has an example.")
        row = rows.setdefault(labels["group"], {"group": labels["group"]})
        if labels["column"] in row:
            raise CannotTell("ambiguous", f"There are several series for the {quoted(labels['column'])} of '{quoted(labels['group'])}'.")
        row[labels["column"]] = _number(each["value"][1])
    return list(rows.values())


def _number(written: str) -> float:
    try:
        return number_of(float(written))
    except ValueError:
        raise CannotTell("not_a_number", "The value is not a number.") from None


def _finite(written: str) -> float | None:
    try:
        return _number(written)
    except CannotTell:
        return None


def _seconds(at: datetime) -> str:
    return f"{at.timestamp():.3f}"
