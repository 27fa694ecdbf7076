"""Targeting in the form that Flaghoist writes: segments in order, then everyone else. Each gets one variant, or a line of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.percentage import EVERYONE, in_hundredths

Variant = str | None
"""The name of a variant, or None for the application's own default."""

Line = tuple[tuple[Variant, int], ...]
"""Variants, each with its part of the identities in hundredths of a percent, from the left. All parts together are everyone."""

WHOLE = in_hundredths(EVERYONE)


class NotOurs(Exception):
    """A part of a flag that Flaghoist could not have written. The message is a sentence with the remedy."""


class Targeting(NamedTuple):
    """The line of each segment, in order, and of everyone else, and the plain variant for applications that name nobody."""

    segments: tuple[tuple[str, Line], ...]
    everyone: Line
    plain: Variant

    @property
    def is_everyone(self) -> bool:
        """True if everyone gets the same variant."""
        return not self.segments and len(self.everyone) == 1

    def variants(self) -> Iterator[Variant]:
        """Yield every variant that it serves."""
        yield self.plain
        for line in (self.everyone, *(line for _, line in self.segments)):
            yield from (variant for variant, _ in line)


def whole(variant: Variant) -> Line:
    """Return the line of a variant that everyone gets."""
    return ((variant, WHOLE),)


def read_targeting(rule: Any, default: Variant) -> Targeting:
    """Return the meaning of a flag's `targeting`. A rule without a result leads to the default variant. Raises NotOurs."""
    segments: list[tuple[str, Line]] = []
    if not isinstance(rule, dict | None):
        raise NotOurs("Its targeting is not an object. Correct it.")
    if rule and list(rule) == ["if"]:
        branches = rule["if"]
        if not isinstance(branches, list) or len(branches) < 2:
            raise NotOurs("Its targeting has an 'if' without a condition and a result. Complete it, or remove the targeting.")
        for condition, result in zip(branches[:-1:2], branches[1::2], strict=False):
            segments.append((_reference(condition), _line(result, default)))
        rule = branches[-1] if len(branches) % 2 else None
    everyone = _line(rule or None, default)
    is_plain = len(everyone) > 1 and default is not None
    return Targeting(tuple(segments), everyone, default if is_plain else everyone[-1][0])


def write_targeting(targeting: Targeting) -> tuple[dict[str, Any], Variant]:
    """Return the rule and the default variant of a flag.

    A rule reaches the application's own default only if there is no default variant. Then the rule names everyone's variant itself.
    """
    others = targeting.plain
    explicit = others is not None and None in targeting.variants()
    rest: Any = others if explicit else None
    if len(targeting.everyone) > 1:
        rest = _result(targeting.everyone)
    default = None if explicit else others
    if not targeting.segments:
        return rest or {}, default
    branches: list[Any] = []
    for reference, line in targeting.segments:
        branches += [{"$ref": reference}, _result(line)]
    return {"if": branches if rest is None else [*branches, rest]}, default


def _reference(condition: Any) -> str:
    if isinstance(condition, dict) and list(condition) == ["$ref"] and isinstance(condition["$ref"], str):
        return condition["$ref"]
    raise NotOurs("Its targeting has a condition of its own. Move the condition into $evaluators, and name it with $ref.")


def _line(result: Any, default: Variant) -> Line:
    if result is None:
        return whole(default)
    if isinstance(result, str):
        return whole(result)
    if isinstance(result, dict):
        return _read_fractional(result, default)
    raise NotOurs("Its targeting has a result that is not the name of a variant. Name a variant there.")


def _read_fractional(rule: dict[str, Any], default: Variant) -> Line:
    parts = rule.get("fractional") if len(rule) == 1 else None
    if isinstance(parts, list) and len(parts) > 1 and all(map(_is_part, parts)):
        total = sum(weight for _, weight in parts)
        if all(weight * WHOLE % total == 0 for _, weight in parts):
            return tuple((default if variant is None else variant, weight * WHOLE // total) for variant, weight in parts)
    raise NotOurs(
        "Its targeting has a rule that Flaghoist can't change. It can change an 'if' over segments, and a 'fractional' with variants, "
        "integer weights above 0 and no bucketing value. Write it so, or remove the targeting."
    )


def _is_part(part: Any) -> bool:
    if not isinstance(part, list) or len(part) != 2 or not isinstance(part[0], str | None):
        return False
    return isinstance(part[1], int) and not isinstance(part[1], bool) and part[1] > 0


def _result(line: Line) -> Any:
    """Return what serves a line. A hash of the identity is below the sum of the weights up to its part."""
    if len(line) == 1:
        return line[0][0]
    hundredths = in_hundredths(1)
    unit = 1 if any(weight % hundredths for _, weight in line) else hundredths
    return {"fractional": [[variant, weight // unit] for variant, weight in line]}
