"""Documents that people write, in JSON or YAML. Both hold the same: what JSON can say."""

import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from api.cli.output import show_json
from api.cli.usage import usage_error
from api.embedded.plain_text import plain
from api.json_pointer import written

MOST_NODES = 50_000
"""More than any definition that the API takes; aliases in YAML can stand for any number."""

JSON_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


class _Loader(yaml.SafeLoader):
    """YAML in which only what JSON writes without quotes is anything but text: no dates, no `on`, no `1:30`."""

    yaml_implicit_resolvers = {}
    yaml_constructors = {tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (*JSON_TAGS, None)}


class _Dumper(yaml.SafeDumper):
    """Quotes whatever this loader, or one for YAML 1.1, would not read as text."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<"), ["<"])
for _kind, _form, _beginnings in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", list("-0123456789")),
):
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_form})\Z"), _beginnings)


def read_document(file: Path) -> Any:
    """What a file holds, or standard input for `-`; a document that JSON could not say ends the command with exit code 2."""
    name = "Standard input" if str(file) == "-" else str(file)
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        document = _reader_of(file)(text)
        _check(document)
    except OSError as error:
        raise usage_error(f"{name} can't be read: {error.strerror}.") from error
    except UnicodeError as error:
        raise usage_error(f"{name} is not text in UTF-8.") from error
    except RecursionError as error:
        raise usage_error(f"{name} is nested too deeply.") from error
    except _NotADocument as error:
        raise usage_error(f"{name} {error}") from error
    return document


def as_yaml(document: Any) -> str:
    """A document in YAML, from which the same is read; with escapes where its characters could steer a terminal."""
    text = _dumped(document, allow_unicode=True)
    return text if plain(text) == text else _dumped(document, allow_unicode=False)


def show_document(document: Any, *, as_json: bool) -> None:
    """Print a document such that it can be edited and read again."""
    if as_json:
        show_json(document)
    else:
        sys.stdout.write(as_yaml(document))


class _NotADocument(Exception):
    """What was read can't be given to the API."""


def _dumped(document: Any, *, allow_unicode: bool) -> str:
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=100))


def _reader_of(file: Path) -> Callable[[str], Any]:
    return {".json": _read_json, ".yaml": _read_yaml, ".yml": _read_yaml}.get(file.suffix.lower(), _read_either)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _NotADocument(f"is not a JSON document: {error}") from error


def _read_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  it is a safe loader
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark
        place = f" (line {at.line + 1}, column {at.column + 1})" if at else ""
        raise _NotADocument(f"is not a YAML document: {error.problem}{place}") from error
    except (yaml.YAMLError, ValueError, LookupError) as error:
        raise _NotADocument(f"is not a YAML document: {' '.join(str(error).split())}") from error


def _read_either(text: str) -> Any:
    """JSON is YAML but for its tabs and escapes, so it is tried first."""
    try:
        return json.loads(text)
    except ValueError:
        return _read_yaml(text)


def _check(document: Any) -> None:
    """Raise for the first thing that JSON can't say, naming its place."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    seen = 0
    while left:
        at, node = left.pop()
        seen += 1
        if seen > MOST_NODES:
            raise _NotADocument("holds far more than the API takes, or an alias within itself.")
        if problem := _problem_of(node):
            raise _NotADocument(f"holds what JSON has no form for: at {written(at) or '/'} there is {problem}.")
        below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        left += [((*at, key), each) for key, each in below]


def _problem_of(node: Any) -> str:
    if isinstance(node, dict):
        odd = [key for key in node if not isinstance(key, str) or not _is_text(key)]
        return f"the field name {odd[0]!r}, which is not text: put it in quotes" if odd else ""
    if isinstance(node, str):
        return "" if _is_text(node) else "half of a character (a lone surrogate)"
    if isinstance(node, float):
        return "" if math.isfinite(node) else "a number that is not finite"
    return "" if node is None or isinstance(node, bool | int | list) else f"a {type(node).__name__}"


def _is_text(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)
