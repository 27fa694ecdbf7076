"""Targeting in the form that Flaghoist writes: segments in order, then a share of all others, then everyone else."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.percentage import EVERYONE, MOST_DECIMALS

Variant = str | None
"""The name of a variant, or None for the application's own default."""

_HUNDREDTHS: int = 10**MOST_DECIMALS


class NotOurs(Exception):
    """A part of a flag that Flaghoist could not have written. The message is a sentence with the remedy."""


class Share(NamedTuple):
    """A share of the identities that are in no segment, in percent, and the variant that it gets."""

    percent: int | float
    variant: Variant


class Targeting(NamedTuple):
    """The variant of each segment, in order, of a share of all others, and of everyone else."""

    segments: tuple[tuple[str, Variant], ...]
    share: Share | None
    others: Variant

    @property
    def is_everyone(self) -> bool:
        """True if everyone gets the same variant."""
        return not self.segments and self.share is None

    def variants(self) -> Iterator[Variant]:
        """Yield every variant that it serves."""
        yield self.others
        if self.share:
            yield self.share.variant
        yield from (variant for _, variant in self.segments)


def read_targeting(rule: Any, default: Variant) -> Targeting:
    """Return the meaning of a flag's `targeting`. A rule without a result leads to the default variant. Raises NotOurs."""
    segments: list[tuple[str, Variant]] = []
    if not isinstance(rule, dict | None):
        raise NotOurs("Its targeting is not an object. Correct it.")
    if rule and list(rule) == ["if"]:
        branches = rule["if"]
        if not isinstance(branches, list) or len(branches) < 2:
            raise NotOurs("Its targeting has an 'if' without a condition and a result. Complete it, or remove the targeting.")
        for condition, result in zip(branches[:-1:2], branches[1::2], strict=False):
            segments.append((_reference(condition), _variant(result, default)))
        rule = branches[-1] if len(branches) % 2 else None
    if isinstance(rule, dict) and rule:
        share, others = _read_fractional(rule, default)
        return Targeting(tuple(segments), share, others)
    return Targeting(tuple(segments), None, _variant(rule or None, default))


def write_targeting(targeting: Targeting) -> tuple[dict[str, Any], Variant]:
    """Return the rule and the default variant of a flag.

    A rule reaches the application's own default only if there is no default variant. Then the rule names everyone's variant itself.
    """
    others = targeting.others
    explicit = others is not None and None in targeting.variants()
    rest: Any = others if explicit else None
    if targeting.share:
        rest = {"fractional": _weights(targeting.share, others)}
    default = None if explicit else others
    if not targeting.segments:
        return rest or {}, default
    branches: list[Any] = []
    for reference, variant in targeting.segments:
        branches += [{"$ref": reference}, variant]
    return {"if": branches if rest is None else [*branches, rest]}, default


def _reference(condition: Any) -> str:
    if isinstance(condition, dict) and list(condition) == ["$ref"] and isinstance(condition["$ref"], str):
        return condition["$ref"]
    raise NotOurs("Its targeting has a condition of its own. Move the condition into $evaluators, and name it with $ref.")


def _variant(result: Any, default: Variant) -> Variant:
    if result is None:
        return default
    if isinstance(result, str):
        return result
    raise NotOurs("Its targeting has a result that is not the name of a variant. Name a variant there.")


def _read_fractional(rule: dict[str, Any], default: Variant) -> tuple[Share, Variant]:
    match rule:
        case {"fractional": [[None | str() as variant, int() as included], [None | str() as others, int() as excluded]]} if len(rule) == 1:
            percent = _percent(included, excluded)
            if percent is not None:
                return Share(percent, _variant(variant, default)), _variant(others, default)
    raise NotOurs(
        "Its targeting has a rule that Flaghoist can't change. It can change an 'if' over segments, and a 'fractional' with two variants, "
        "integer weights above 0 and no bucketing value. Write it so, or remove the targeting."
    )


def _percent(included: int, excluded: int) -> int | float | None:
    """Return the percentage of two weights, or None if it is not between 0 and 100 with at most two decimals."""
    if isinstance(included, bool) or isinstance(excluded, bool) or included <= 0 or excluded <= 0:
        return None
    hundredths, remainder = divmod(included * EVERYONE * _HUNDREDTHS, included + excluded)
    if remainder:
        return None
    return hundredths / _HUNDREDTHS if hundredths % _HUNDREDTHS else hundredths // _HUNDREDTHS


def _weights(share: Share, others: Variant) -> list[list[Any]]:
    """Return two weights. A hash below the share of their sum is included, so a growing share keeps everyone that it has."""
    whole = isinstance(share.percent, int)
    total = EVERYONE if whole else EVERYONE * _HUNDREDTHS
    included = share.percent if whole else round(share.percent * _HUNDREDTHS)
    return [[share.variant, included], [others, total - included]]
