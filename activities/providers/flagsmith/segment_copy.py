"""Segments of Flagsmith as segments of Flaghoist."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from activities.providers.copies import CopiedSegment, unique_key
from activities.providers.flagsmith.documents import Segment
from domain.errors import Invalid
from domain.flags.segment import Operator, Rule, Rules
from domain.flags.segment_rules import normalize_rules

LONGEST_NAME = 120

_RULES: TypeAdapter[tuple[Rule, ...]] = TypeAdapter(Rules)
_NAMES_OF_PLACES = ("$.identity.key", "$.environment.name")


class CopiedSegments:
    """The segments of a project that can be copied, and a remark on what differs or can't."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        self.copies: dict[str, CopiedSegment] = {}
        self.keys: dict[int, str] = {}
        """Id in Flagsmith -> key here."""
        self.remarks: list[str] = []
        for each in segments:
            self._copy(each)

    def _copy(self, segment: Segment) -> None:
        try:
            rules = normalize_rules(_RULES.validate_python([_rule_of(each) for each in segment.rules])).rules
        except (Invalid, ValidationError) as error:
            self.remarks.append(f"The segment '{segment.name}' was not copied: {_reason(error)}")
            return
        key = self.keys[segment.id] = unique_key(segment.name, self.copies)
        self.copies[key] = CopiedSegment(key, segment.name[:LONGEST_NAME], rules)
        self.remarks += [f"The segment '{segment.name}' {each}" for each in dict.fromkeys(_differences(rules))]


def _rule_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule without the ids and descriptions of its parts."""
    return {
        "type": document.get("type"),
        "rules": [_rule_of(each) for each in document.get("rules", ())],
        "conditions": [
            {"property": each.get("property") or None, "operator": each.get("operator"), "value": each.get("value")}
            for each in document.get("conditions", ())
        ],
    }


def _differences(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield what the same rules mean here, where that differs."""
    for rule in rules:
        yield from _differences(rule.rules)
        for each in rule.conditions:
            if each.operator is Operator.PERCENTAGE_SPLIT:
                yield "has a share of identities (PERCENTAGE_SPLIT). Other identities are in it here."
            if each.property in _NAMES_OF_PLACES:
                yield f"compares {each.property}, which may differ here."


def _reason(error: Invalid | ValidationError) -> str:
    """Return the first problem as a sentence."""
    if isinstance(error, Invalid):
        return str(error)
    problem = error.errors()[0]
    pointer = "/".join(map(str, problem["loc"]))
    return f"Its rules {problem['msg'].removeprefix('Value error, ')} (/rules/{pointer})."
