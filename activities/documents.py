"""Documents that people write in JSON or YAML. Both formats may contain only what JSON can express."""

import json
import math
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import yaml

from domain.errors import Invalid, Problem, pointer_to

MOST_NODES = 50_000
"""More than any definition that the API accepts. Aliases in YAML can expand to any number."""

MOST_LEVELS = 200
"""More than any definition that the API accepts. An alias within itself has no end."""

JSON_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


class _Loader(yaml.SafeLoader):
    """YAML in which a plain scalar is text unless JSON would write it without quotes: no dates, no `on`, no `1:30`."""

    yaml_implicit_resolvers = {}
    yaml_constructors = {tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (*JSON_TAGS, None)}


class _Dumper(yaml.SafeDumper):
    """Quotes every text that this loader, or one for YAML 1.1, would read as something else."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<"), ["<"])
for _kind, _form, _beginnings in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", list("-0123456789")),
):
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_form})\Z"), _beginnings)


def parse_document(text: str, name: str) -> Any:
    """Parse a document. The extension of its name selects the format; any other name may hold either.

    Raises Invalid with the name, the place and the reason.
    """
    try:
        document = _parser_for(name)(text)
        _check(document)
    except RecursionError as error:
        raise Invalid(f"{name} is nested too deeply.") from error
    except _NotADocument as error:
        raise Invalid(f"{name} {error}", problems=error.problems) from error
    return document


def yaml_of(document: Any, *, only_ascii: bool = False) -> str:
    """Write a document as YAML that parses to the same document, with escapes for all other characters if `only_ascii` is set."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=not only_ascii, width=100))


class _NotADocument(Exception):
    """The text is not a document that the API could accept."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


def _parser_for(name: str) -> Callable[[str], Any]:
    return {".json": _parse_json, ".yaml": _parse_yaml, ".yml": _parse_yaml}.get(PurePath(name).suffix.lower(), _parse_either)


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _NotADocument(f"is not a JSON document: {error}") from error


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  it is a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _NotADocument(f"is not a YAML document: {error.problem}{place}") from error
    except (yaml.YAMLError, ValueError, LookupError) as error:
        raise _NotADocument(f"is not a YAML document: {' '.join(str(error).split())}") from error


def _parse_either(text: str) -> Any:
    """Try JSON first: it is YAML except for its tabs and escapes."""
    try:
        return json.loads(text)
    except ValueError:
        return _parse_yaml(text)


def _check(document: Any) -> None:
    """Raise _NotADocument for the first node that JSON can't express, with its place."""
    remaining: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    visited = 0
    while remaining:
        path, node = remaining.pop()
        visited += 1
        if visited > MOST_NODES:
            raise _NotADocument("is far larger than the API accepts.")
        if len(path) > MOST_LEVELS:
            raise _NotADocument("is nested too deeply, or contains an alias within itself.")
        if problem := _problem_of(node):
            message = f"contains {problem} at {pointer_to(path) or '/'}, which JSON can't express."
            raise _NotADocument(message, (Problem(pointer=pointer_to(path), code="not_json", message=f"This contains {problem}."),))
        below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        remaining += [((*path, key), each) for key, each in below]


def _problem_of(node: Any) -> str:
    if isinstance(node, dict):
        odd = [key for key in node if not isinstance(key, str) or not _is_text(key)]
        return f"the field name {odd[0]!r}, which is not text and needs quotes," if odd else ""
    if isinstance(node, str):
        return "" if _is_text(node) else "half of a character (a lone surrogate)"
    if isinstance(node, float):
        return "" if math.isfinite(node) else "a number that is not finite"
    return "" if node is None or isinstance(node, bool | int | list) else f"a {type(node).__name__}"


def _is_text(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)
