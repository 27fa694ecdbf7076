"""Metrics from HTTP servers that answer with JSON, and checks of URLs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx

from activities.metrics.adapter import CannotTell, Deadline, Point, Reading, SentQuery, quoted
from activities.metrics.http_calls import HttpCalls, check_answered, document_of
from activities.metrics.numbers import number_of, time_of
from activities.metrics.rows import MOST_GROUPS, groups_in
from domain.metrics.check import CheckAnswer
from domain.metrics.condition import Outcome
from domain.metrics.metric import Metric, MetricQuestion, MetricShape
from domain.metrics.query import QueryRefused, url_path

_MISSING = object()


class HttpSource:
    """One HTTP server."""

    def __init__(self, calls: HttpCalls) -> None:
        self.calls = calls

    def ask(self, metric: Metric, question: MetricQuestion, deadline: Deadline) -> Reading:
        """Return the value or the groups at the metric's pointer."""
        response = self.calls.get(_path(metric.query, question), deadline)
        check_answered(response)
        document = document_of(response)
        found = _required(document, metric.pointer or "", "The pointer")
        as_of = None if metric.as_of is None else time_of(_required(document, metric.as_of, "The pointer as_of"), "The value at as_of")
        if metric.shape is MetricShape.VALUE:
            return Reading(value=number_of(found), as_of=as_of)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise CannotTell("not_a_number", "The pointer must lead to a list of objects, one for each group.")
        groups = groups_in(metric, found[: MOST_GROUPS + 1])
        return groups._replace(as_of=as_of or groups.as_of)

    def history(self, metric: Metric, question: MetricQuestion, step: timedelta, deadline: Deadline) -> Sequence[Point] | None:  # noqa: ARG002 (the signature is that of every adapter)
        """Return nothing: a URL has one answer, for now."""
        return None

    def sent(self, metric: Metric, question: MetricQuestion) -> SentQuery:
        """Return the path and query with their values."""
        return SentQuery(f"GET {_path(metric.query, question)}", {})

    def check(self, deadline: Deadline) -> str:
        """Get the address itself. A server that has nothing there still answers."""
        response = self.calls.get("", deadline)
        if response.status_code != httpx.codes.NOT_FOUND:
            check_answered(response)
        return f"It answers, with status {response.status_code}."

    def may_act(self, path: str, about: MetricQuestion, deadline: Deadline) -> CheckAnswer:
        """Ask whether a stage may act: 2xx passes, and any other status holds."""
        response = self.calls.get(_path(path, about), deadline)
        said = _explanation(response)
        outcome = Outcome.PASS if response.is_success else Outcome.FAIL
        message = quoted(said["message"]) if isinstance(said.get("message"), str) else ""
        return CheckAnswer(
            outcome=outcome, message=message or f"The check answered with status {response.status_code}.", until=_until(said.get("until"))
        )


def _path(template: str, question: MetricQuestion) -> str:
    try:
        return url_path(template, question)
    except QueryRefused as error:
        raise CannotTell("source_refused", str(error)) from None


def _required(document: Any, pointer: str, what: str) -> Any:
    found = _at(document, pointer)
    if found is _MISSING:
        raise CannotTell("no_data", f"{what} leads to nothing in the answer.")
    return found


def _at(document: Any, pointer: str) -> Any:
    """Return the value that a JSON pointer (RFC 6901) leads to."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isascii() and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            return _MISSING
    return document


def _explanation(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, if it has one: a body may say why not, and until when."""
    try:
        document = document_of(response)
    except CannotTell:
        return {}
    return document if isinstance(document, dict) else {}


def _until(value: object) -> Any:
    try:
        return time_of(value, "until") if isinstance(value, str) else None
    except CannotTell:
        return None
