"""Queries of metrics: their parameters, and how each kind of source gets the values."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, unquote

from domain.metrics.metric import MetricQuestion
from domain.text import closest, did_you_mean

PARAMETERS = ("project", "feature", "environment", "variant", "window")
"""The parameters in braces, of PromQL queries and URLs."""

BOUND = ("project", "feature", "environment", "variant", "since", "now")
"""The bound parameters of SQL queries."""

_BRACES = re.compile(r"\{\s*([A-Za-z_]+)\s*\}")
_BOUND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""A parameter as SQLAlchemy finds it."""

_PROMQL = re.compile(r"(?P<comment>#[^\n]*)|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?P<raw>`[^`]*`)", re.DOTALL)
_WINDOW = "window"


class Mistake(NamedTuple):
    """A mistake in a query: a code for programs, and a sentence with the remedy for people."""

    code: str
    message: str


class QueryRefused(ValueError):
    """A query that must not be sent with these values."""


def mistakes_in_promql(query: str) -> Iterator[Mistake]:
    """Yield the mistakes in the parameters of a PromQL query. Prometheus itself checks the rest."""
    for span, found in _promql_parameters(query):
        name = found[1]
        if unknown := _unknown(found[0], name):
            yield unknown
        elif span is None and name != _WINDOW:
            yield Mistake("unquoted_parameter", f'The parameter {{{name}}} must be inside quotes, as in flag="{{{name}}}".')
        elif span is not None and span["raw"]:
            yield Mistake("unquoted_parameter", f"The parameter {{{name}}} must be in single or double quotes, not in backticks.")


def mistakes_in_url(path: str) -> Iterator[Mistake]:
    """Yield the mistakes in the path and query of a URL below a source's address."""
    for found in _BRACES.finditer(path):
        if unknown := _unknown(found[0], found[1]):
            yield unknown
    if not _is_plain(_BRACES.sub("x", path)):
        yield Mistake("invalid_path", "The query must be a path below the source's address, in ASCII and without spaces, braces or '#'.")
    elif _leaves(_BRACES.sub("x", path)):
        yield Mistake("invalid_path", "The path must stay below the source's address: it must not begin with '//', or contain '.' or '..'.")


def mistakes_in_sql(query: str) -> Iterator[Mistake]:
    """Yield the mistakes in the parameters of an SQL query. Values are bound, and never become a part of its text."""
    for name in _BRACES.findall(query):
        if name in BOUND or name == _WINDOW or closest(name, PARAMETERS):
            meant = "since" if name == _WINDOW else closest(name, BOUND) or name
            yield Mistake("parameter_in_braces", f"SQL has bound parameters: write :{meant} without quotes, instead of {{{name}}}.")
    for name in _BOUND.findall(query):
        if name not in BOUND:
            known = ", ".join(f":{each}" for each in BOUND)
            remedy = f"The parameters are {known}. A colon that is none is written as '\\:'."
            yield Mistake("unknown_parameter", f"There is no parameter :{name}.{did_you_mean(name, BOUND)} {remedy}")


def promql(query: str, question: MetricQuestion) -> str:
    """Return the PromQL to send. Values are escaped as the quotes around them require (Prometheus, String literals)."""
    values = _values(question) | {_WINDOW: _in_promql(window_of(question))}
    parts, end = [], 0
    for span, found in _promql_parameters(query):
        escaped = _escaped(values[found[1]], span[0][0] if span else "")
        parts += [query[end : found.start()], escaped]
        end = found.end()
    return "".join([*parts, query[end:]])


def url_path(path: str, question: MetricQuestion) -> str:
    """Return the path and query to send, with percent-encoded values. Raises QueryRefused if it leaves the source's address."""
    values = _values(question) | {_WINDOW: f"{window_of(question).total_seconds():.0f}"}
    sent = _replaced(path, lambda name: quote(values[name], safe=""))
    if not _is_plain(sent) or _leaves(sent):
        raise QueryRefused("The path would leave the source's address.")
    return sent


def bound_values(question: MetricQuestion) -> dict[str, str | datetime | None]:
    """Return the values of the bound parameters of SQL queries."""
    named = {"project": question.project, "feature": question.feature, "environment": question.environment, "variant": question.variant}
    return {**named, "since": question.since, "now": question.at}


def bound_in(query: str) -> list[str]:
    """Return the bound parameters that an SQL query names."""
    return [name for name in BOUND if name in set(_BOUND.findall(query))]


def names_window(query: str) -> bool:
    """True if the answer depends on how long ago the stage was entered."""
    return any(name == _WINDOW for name in _BRACES.findall(query))


def window_of(question: MetricQuestion) -> timedelta:
    """Return the time since the stage was entered, in whole seconds and at least one."""
    return max(timedelta(seconds=round((question.at - question.since).total_seconds())), timedelta(seconds=1))


def _values(question: MetricQuestion) -> dict[str, str]:
    return {name: getattr(question, name) or "" for name in PARAMETERS if name != _WINDOW}


def _replaced(query: str, value_of: Callable[[str], str]) -> str:
    return _BRACES.sub(lambda found: value_of(found[1]), query)


def _promql_parameters(query: str) -> Iterator[tuple[re.Match[str] | None, re.Match[str]]]:
    """Yield each parameter outside comments, with the string literal around it, if it is in one."""
    spans = list(_PROMQL.finditer(query))
    for found in _BRACES.finditer(query):
        span = next((each for each in spans if each.start() < found.start() and found.end() <= each.end()), None)
        if span is None or not span["comment"]:
            yield span, found


def _escaped(value: str, quotes: str) -> str:
    if not quotes:
        return value
    return value.replace("\\", "\\\\").replace(quotes, f"\\{quotes}").replace("\n", "\\n").replace("\r", "\\r")


def _in_promql(window: timedelta) -> str:
    """Write a duration as in PromQL: `1d2h30m5s`."""
    minutes, seconds = divmod(window.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    amounts = ((window.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in amounts if amount)


def _unknown(written: str, name: str) -> Mistake | None:
    if written == f"{{{name}}}" and name in PARAMETERS:
        return None
    known = ", ".join(f"{{{each}}}" for each in PARAMETERS)
    return Mistake("unknown_parameter", f"There is no parameter {written}.{did_you_mean(name, PARAMETERS)} The parameters are {known}.")


def _is_plain(path: str) -> bool:
    return path.isascii() and path.isprintable() and not any(each in path for each in " {}\\#")


def _leaves(path: str) -> bool:
    """True if the path could lead to another host or out of the folder that the address names."""
    if path.startswith("//") or not path.startswith(("/", "?")):
        return True
    segments = path.partition("?")[0].split("/")
    return any(part in (".", "..") for segment in segments for part in re.split(r"[/\\]", unquote(unquote(segment))))
