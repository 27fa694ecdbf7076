"""The file of one environment: its flags, and its segments, which are the conditions under `$evaluators`."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from activities.providers.errors import ProviderUnavailable

CONDITIONS = frozenset(
    {"==", "===", "!=", "!==", "<", "<=", ">", ">=", "!", "!!", "and", "or", "in", "some", "all", "none"}
    | {"var", "starts_with", "ends_with", "sem_ver"}
)
"""Operators whose result is true or false. Others, such as `fractional`, result in a variant, which counts as true."""


class Document(NamedTuple):
    """A parsed file, with its text."""

    text: str
    flags: Mapping[str, Any]
    evaluators: Mapping[str, Any]

    def segments(self) -> Mapping[str, Any]:
        """Return the conditions that a flag can name."""
        return {name: rule for name, rule in self.evaluators.items() if problem_of_segment(name, rule) is None}

    def problems(self) -> Iterator[str]:
        """Yield a sentence for each condition that can't be a segment."""
        for name, rule in self.evaluators.items():
            if problem := problem_of_segment(name, rule):
                yield f"'{name}' in $evaluators can't be a segment, because {problem}."


def parsed(text: str, name: str) -> Document | None:
    """Return the document in a file, or None if it is a JSON file for something else. Raises ProviderUnavailable if it is broken."""
    try:
        document = json.loads(text, parse_constant=_not_json)
    except RecursionError:
        raise ProviderUnavailable(f"{name} is nested too deeply.") from None
    except ValueError as error:
        raise ProviderUnavailable(f"{name} is not valid JSON: {error}. Repair it.") from None
    if not isinstance(document, dict) or "flags" not in document:
        return None
    flags, evaluators = document["flags"], document.get("$evaluators", {})
    if not isinstance(flags, dict) or not isinstance(evaluators, dict):
        raise ProviderUnavailable(f"{name} is not a file for flagd: 'flags' and '$evaluators' must be objects. Repair it.")
    return Document(text, flags, evaluators)


def problem_of_segment(name: str, rule: Any) -> str | None:
    """Return the reason why a flag can't name a condition, to follow *because*, or None if it can."""
    if json.dumps(name) != f'"{name}"':
        return "evaluators find it only by a name of ASCII characters without quotes and backslashes"
    if not isinstance(rule, dict) or len(rule) != 1 or next(iter(rule)) not in CONDITIONS:
        return "its result is not true or false"
    if '"$ref"' in json.dumps(rule):
        return "it names another one, and evaluators don't resolve that"
    return None


def digest_of(definitions: Mapping[str, Any]) -> str:
    """Return a digest of a segment's definition in each environment."""
    return hashlib.sha256(json.dumps(definitions, sort_keys=True).encode()).hexdigest()


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")
