"""The calls that bring a feature to a state, in an order in which nobody is served in between who is served neither before nor after.

The same holds for variants: at each moment, a user has the variant from before or the one from after.
"""

from collections.abc import Iterator, Set
from itertools import chain
from typing import Literal, NamedTuple

from activities.providers.flag_system import SegmentKeys
from activities.providers.unleash.documents import FeatureEnvironment, NewStrategy, Strategy
from activities.providers.unleash.flag_state import Strategies, sorted_out
from activities.providers.unleash.ours import KnownFeature, Ours, cells
from domain.errors import Invalid, KeptByOthers, SegmentNotFound
from domain.flags.flag import FlagState, Override


class Add(NamedTuple):
    """Add a strategy."""

    strategy: NewStrategy


class Replace(NamedTuple):
    """Replace a strategy of ours."""

    strategy: Strategy


class Delete(NamedTuple):
    """Delete a strategy of ours."""

    strategy: str


class Switch(NamedTuple):
    """Switch the feature in this environment."""

    to: Literal["on", "off"]


Call = Add | Replace | Delete | Switch


def calls_to(target: FlagState, feature: KnownFeature, environment: FeatureEnvironment) -> list[Call]:
    """Return the calls that bring a feature to that state.

    Raises Invalid if Unleash can't express it, KeptByOthers if a strategy of others is in the way, or SegmentNotFound.
    """
    found = sorted_out(environment, feature)
    feature = feature._replace(payloads=found.payloads)
    switched_on = found.switched_on or (not environment.enabled and bool(found.others))
    wanted = _wanted(target, found, feature.segments, switched_on=switched_on)
    will_serve = any(each.active for each in wanted)
    _check_others(target, found, is_on=environment.enabled, will_serve=will_serve)
    changes = list(_Changes(feature, found, wanted, switched_on=switched_on, is_on=environment.enabled).calls())
    if not environment.enabled:
        return [*changes, *([Switch("on")] if will_serve else [])]
    # The server switches a feature off with its last strategy, and SDKs may serve everyone while only inactive ones are left.
    stays_on = will_serve or target.enabled or (bool(found.others) and not found.switched_on)
    return changes if stays_on else [Switch("off"), *changes]


def _wanted(target: FlagState, found: Strategies, segments: SegmentKeys, *, switched_on: bool) -> Set[Ours]:
    """Return what strategies of ours serve in the target. One that says that we switched the feature on stays until the end."""
    wanted = set(chain.from_iterable(_wanted_for(key, override, target, segments) for key, override in target.overrides.items()))
    if target.value is not None:
        raise Invalid("Unleash can't set a value: use flags without values.")
    if target.rollout:
        if not target.rollout.enabled or target.rollout.value is not None or target.rollout.percent != int(target.rollout.percent):
            raise Invalid("Unleash can only enable a flag for a whole percentage of identities, without a value.")
        if target.allocation:
            raise Invalid(
                "Unleash can't serve variants to a rollout. End the allocation first, or allocate variants instead of the rollout."
            )
        wanted.add(Ours(percent=int(target.rollout.percent)))
    if target.allocation:
        wanted |= set(cells(target.allocation, active=target.enabled))
    elif target.enabled and (switched_on or found.for_everyone is None):
        wanted.add(Ours())
    return wanted


def _wanted_for(key: str, override: Override, target: FlagState, segments: SegmentKeys) -> Iterator[Ours]:
    reference, follows = _reference(key, override, segments), override.allocation is None
    if follows and not target.allocation:
        yield Ours(reference)
    else:
        yield from cells(target.allocated(key), reference, follows=follows)


def _reference(key: str, override: Override, segments: SegmentKeys) -> str:
    if not override.enabled or override.value is not None:
        raise Invalid(
            f"Unleash can only enable a flag for a segment: it can neither disable it there nor set a value. "
            f"A stage that allocates variants for '{key}' must also enable the flag for it."
            if override.allocation is not None
            else "Unleash can only enable a flag for a segment: it can neither disable it there nor set a value."
        )
    if key not in segments:
        raise SegmentNotFound(f"There is no segment '{key}' in Unleash.")
    return segments[key]


def _check_others(target: FlagState, found: Strategies, *, is_on: bool, will_serve: bool) -> None:
    """Raise KeptByOthers if a strategy of others serves people whom the target does not mean, or variants of its own."""
    if target.is_split and (splitting := next((each for each in found.others if each.variants), None)):
        raise _kept(splitting, "has variants of its own")
    if target.enabled:
        return
    if is_on and found.for_everyone and (will_serve or not found.switched_on):
        raise _kept(found.for_everyone, "serves everyone")
    if not is_on and will_serve and found.others:
        raise _kept(found.others[0], "would also serve its users as soon as the feature is switched on")


def _kept(strategy: Strategy, what: str) -> KeptByOthers:
    return KeptByOthers(
        f"The strategy '{strategy.title or strategy.name}' was not made by Flaghoist and {what}. "
        "Flaghoist never changes it: delete or disable it in Unleash, then retry."
    )


class _Changes:
    """The calls for strategies. One that changes is replaced, so that it takes one call."""

    def __init__(self, feature: KnownFeature, found: Strategies, wanted: Set[Ours], *, switched_on: bool, is_on: bool) -> None:
        self._feature, self._wanted, self._switched_on, self._is_on = feature, wanted, switched_on, is_on
        self._left = {each.slot: (each, strategy) for each, strategy in found.ours.items()}
        self._stale = found.stale
        self._ordered = any(each.variant for each in wanted)

    def calls(self) -> Iterator[Call]:
        """Yield first what begins, in the order in which strategies apply, and then what ends, in the opposite order.

        So each call changes one slot from before to after. Segments come before everyone, because those that follow everyone's
        allocation must have it before it counts as changed.
        """
        yield from (Delete(each.id) for each in self._stale if not each.disabled)  # They must not be reached when others are gone.
        for each in sorted((each for each in self._wanted if each.active), key=lambda each: each.sort_order):
            yield from self._made(each)
        kept = {each.slot: each for each in self._wanted if not each.active}
        for known, strategy in sorted(self._left.values(), key=lambda left: left[0].sort_order, reverse=True):
            if known.slot in kept:
                yield from self._made(kept.pop(known.slot))
            else:
                yield Delete(strategy.id)
        for each in sorted(kept.values(), key=lambda each: each.sort_order):
            yield from self._made(each)
        yield from (Delete(each.id) for each in self._stale if each.disabled)

    def _made(self, wanted: Ours) -> Iterator[Call]:
        found = self._left.pop(wanted.slot, None) or self._replaceable(wanted)
        strategy = wanted.strategy(self._feature, switched_on=self._switched_on, ordered=self._ordered)
        if found is None:
            yield Add(strategy)
        elif found[0] != wanted or not self._is_in_place(wanted, found[1]) or (not self._is_on and found[1].title != strategy.title):
            yield Replace(Strategy(**strategy.to_json(), id=found[1].id))

    def _is_in_place(self, wanted: Ours, strategy: Strategy) -> bool:
        return not self._ordered or strategy.sort_order == wanted.sort_order

    def _replaceable(self, wanted: Ours) -> tuple[Ours, Strategy] | None:
        """Return the rollout in place of which everyone is served, or the other way round."""
        if wanted.segment is not None or wanted.variant is not None:
            return None
        plain = [slot for slot, (each, _) in self._left.items() if each.segment is None and each.variant is None]
        kept = {each.slot for each in self._wanted}
        return next((self._left.pop(slot) for slot in plain if slot not in kept), None)
