"""The strategies that Flaghoist makes, known by their title and their form. One that a person changed counts as theirs.

An allocation is one strategy for each slot of the line of identities, in order: the first one that a user's hash is within serves it.
Unleash sorts the variants of a single strategy by name and has each of them only once, so it can't keep users in their variants.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from activities.providers.flag_system import SegmentKeys
from activities.providers.unleash.documents import NewStrategy, Strategy
from domain.errors import Invalid
from domain.flags.allocation import Allocation, Slot, allocation_of, slots_of
from domain.flags.flag import Value
from domain.flags.variant import CONTROL, Variant
from domain.percentage import EVERYONE, in_hundredths

FLEXIBLE = "flexibleRollout"
SWITCHED_ON = ", switched on"
"""The end of a title that says that the feature was off before. It is switched off again with the last of our strategies."""

_TITLE = "Flaghoist: "
_STICKY = (None, "", "default")
_WHOLE_WEIGHT = 1_000
_HUNDREDTHS = in_hundredths(1)
_FIRST_OF_EVERYONE = -1_000
_FIRST_OF_SEGMENTS = -2_000_000_000


class KnownFeature(NamedTuple):
    """A feature by its name in Unleash, with the segments that flags may name, and its variants as they are defined here.

    `payloads` are those that were found. They are kept for variants that are no longer defined here.
    """

    name: str
    segments: SegmentKeys = {}
    variants: Sequence[Variant] = ()
    payloads: Mapping[str, Any] = {}

    def payload_of(self, variant: str) -> Any:
        """Return the payload of a variant, which is its value, or None if it has none."""
        defined = next((each for each in self.variants if each.key == variant), None)
        return _payload(defined.value) if defined else self.payloads.get(variant)

    def is_payload_of(self, variant: str, found: Any) -> bool:
        """True if a variant with that payload is as it is defined. That of a variant which is not defined here can't be wrong."""
        is_defined = variant == CONTROL or any(each.key == variant for each in self.variants)
        return not is_defined or (found or None) == self.payload_of(variant)


class Ours(NamedTuple):
    """The people whom a strategy of ours serves: those of a segment by its reference, or everyone, up to a whole percentage of them.

    With an allocation, `variant` is what they get: its key, or `control` for the plain value. A segment without an allocation of its own
    `follows` that of everyone. One that is not active keeps the allocation of a flag that is disabled for everyone.
    """

    segment: str | None = None
    percent: int = EVERYONE
    variant: str | None = None
    follows: bool = False
    active: bool = True

    @property
    def title(self) -> str:
        """The title by which it is known."""
        audience = f"segment {self.segment}" if self.segment else "rollout" if self.is_rollout else "everyone"
        return f"{_TITLE}{audience}{' as everyone' if self.follows else ''}{f', {self.variant}' if self.variant else ''}"

    @property
    def is_rollout(self) -> bool:
        """True if it is a share of everyone without an allocation."""
        return self.segment is None and self.variant is None and self.percent < EVERYONE

    @property
    def slot(self) -> tuple[str | None, int]:
        """Its identity among ours: the segment and the end of its slot, or 0 for a rollout, whose end moves."""
        return self.segment, 0 if self.is_rollout else self.percent

    @property
    def is_of_nobody(self) -> bool:
        """True if it is of no use: only the allocation of everyone is kept by strategies that are not active."""
        return not self.active and (self.segment is not None or self.variant is None)

    @property
    def sort_order(self) -> int:
        """Its place among all strategies: before those of others, those of segments first, each audience from the left."""
        return (_FIRST_OF_SEGMENTS + int(self.segment) * (EVERYONE + 1) if self.segment else _FIRST_OF_EVERYONE) + self.percent

    def strategy(self, feature: KnownFeature, *, switched_on: bool, ordered: bool) -> NewStrategy:
        """Return the strategy that serves it. Users stay in while a percentage grows, because the group never changes.

        Order only matters to a feature with variants.
        """
        parameters = {"rollout": str(self.percent), "stickiness": "default", "groupId": self._group(feature)}
        segments = [int(self.segment)] if self.segment else []
        title = self.title + (SWITCHED_ON if switched_on else "")
        variants = [] if self.variant is None else [self._variant(feature.payload_of(self.variant))]
        order = {"sort_order": self.sort_order} if ordered else {}
        about = {"title": title, "parameters": parameters, "segments": segments, "variants": variants}
        return NewStrategy(name=FLEXIBLE, disabled=not self.active, **about, **order)

    def _variant(self, payload: Any) -> dict[str, Any]:
        variant = {"name": self.variant, "weight": _WHOLE_WEIGHT, "weightType": "variable", "stickiness": "default"}
        return variant | ({"payload": payload} if payload else {})

    def _group(self, feature: KnownFeature) -> str:
        """Return the group whose hash decides. Allocations have their own, so that they do not depend on rollouts."""
        return feature.name if self.variant is None else f"{feature.name}-variants"

    def fits(self, strategy: Strategy, feature: KnownFeature) -> bool:
        """True if the strategy is as we made it."""
        is_possible = self.variant is not None or self.segment is None or self.percent == EVERYONE
        has_title = str(strategy.title).removesuffix(SWITCHED_ON) == self.title
        return is_possible and has_title and (self.variant is None or strategy.parameters.get("groupId") == self._group(feature))


def ours_in(strategy: Strategy, feature: KnownFeature) -> Ours | None:
    """Return what a strategy of ours serves, or None if it is not ours, or no longer as we made it."""
    if strategy.name != FLEXIBLE or strategy.constraints or len(strategy.segments) > 1:
        return None
    percent, stickiness = strategy.parameters.get("rollout", ""), strategy.parameters.get("stickiness")
    if stickiness not in _STICKY or not percent.isdecimal() or not 0 < int(percent) <= EVERYONE:
        return None
    variant = _only_variant(strategy.variants, feature)
    if strategy.variants and variant is None:
        return None
    segment = str(strategy.segments[0]) if strategy.segments else None
    known = Ours(segment, int(percent), variant, active=not strategy.disabled)
    return next((each for each in (known, known._replace(follows=True)) if each.fits(strategy, feature)), None)


def cells(allocation: Allocation, segment: str | None = None, *, follows: bool = False, active: bool = True) -> Iterator[Ours]:
    """Yield what serves an allocation to everyone or to a segment, from the left. Raises Invalid if its shares are not whole."""
    end = 0
    for variant, slots in groupby(slots_of(allocation), key=lambda slot: slot.variant or CONTROL):
        end += sum(in_hundredths(each.percent) for each in slots)
        if end % _HUNDREDTHS:
            raise Invalid("Unleash can only serve variants to whole percentages of identities.")
        yield Ours(segment, end // _HUNDREDTHS, variant, follows, active)
    if end < EVERYONE * _HUNDREDTHS:
        yield Ours(segment, EVERYONE, CONTROL, follows, active)


def allocation_in(found: Iterable[Ours]) -> Allocation:
    """Return the allocation that cells of one audience serve."""
    slots, start = list[Slot](), 0
    for each in sorted(found, key=lambda each: each.percent):
        slots.append(Slot(each.percent - start, None if each.variant == CONTROL else each.variant))
        start = each.percent
    return allocation_of(slots)


def _only_variant(variants: Sequence[dict[str, Any]], feature: KnownFeature) -> str | None:
    match variants:
        case [{"name": str() as name, "weight": int() as weight} as only] if weight == _WHOLE_WEIGHT and not only.get("overrides"):
            is_sticky = only.get("stickiness") in _STICKY
            return name if is_sticky and feature.is_payload_of(name, only.get("payload")) else None
    return None


def _payload(value: Value) -> dict[str, str] | None:
    if value is None:
        return None
    return {"type": "string", "value": str(value)}
