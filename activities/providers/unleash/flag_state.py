"""Strategies of a feature as the state of a flag: those that Flaghoist made, and those that people made.

Strategies are alternatives: whoever one of them serves has the flag, as the first one says.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from activities.providers.flag_system import SystemFlag
from activities.providers.unleash.documents import FeatureEnvironment, Strategy
from activities.providers.unleash.ours import FLEXIBLE, SWITCHED_ON, KnownFeature, Ours, allocation_in, ours_in
from domain.flags.allocation import Allocation, Spans
from domain.flags.flag import LAST_PRIORITY, FlagState, Override, Rollout
from domain.percentage import EVERYONE


class Strategies(NamedTuple):
    """The strategies of a feature in one environment: ours by what they serve, ours that serve nobody, and those of others."""

    ours: Mapping[Ours, Strategy]
    stale: tuple[Strategy, ...]
    others: tuple[Strategy, ...]

    @property
    def switched_on(self) -> bool:
        """True if the feature was off before one of ours was added."""
        return any(str(each.title).endswith(SWITCHED_ON) for each in (*self.ours.values(), *self.stale))

    @property
    def for_everyone(self) -> Strategy | None:
        """The strategy of others that serves everyone, if there is one."""
        return next((each for each in self.others if _serves_everyone(each)), None)

    @property
    def serves_everyone(self) -> bool:
        """True if one of ours serves all that the others before it leave."""
        return any(each.active and each.slot == (None, EVERYONE) for each in self.ours)

    @property
    def payloads(self) -> Mapping[str, Any]:
        """The payload of each variant that one of ours serves."""
        return {str(variant["name"]): variant.get("payload") for each in self.ours.values() for variant in each.variants}

    @property
    def incomplete(self) -> list[str]:
        """The audiences that are served differently than the state says, because a change was interrupted."""
        audiences = {each.segment for each in self.ours if each.active and not each.is_rollout}
        return sorted("everyone" if each is None else f"segment {each}" for each in audiences if not self._is_complete(each))

    def _is_complete(self, segment: str | None) -> bool:
        """True if all of an audience is served, and one that follows everyone's allocation as that says."""
        served = [each for each in self.ours if each.segment == segment and each.active and not each.is_rollout]
        whole = next((each for each in served if each.percent == EVERYONE), None)
        if whole is None or whole.variant is None:
            return whole is not None and len(served) == 1
        return not whole.follows or _spans(self.allocation(segment)) == _spans(self.allocation())

    def allocation(self, segment: str | None = None) -> Allocation:
        """Return the allocation for everyone or for a segment."""
        return allocation_in(each for each in self.ours if each.segment == segment and each.variant is not None)


def sorted_out(environment: FeatureEnvironment, feature: KnownFeature) -> Strategies:
    """Sort the strategies of a feature. Inactive ones of others serve nobody and are left out."""
    ours: dict[Ours, Strategy] = {}
    stale, others = list[Strategy](), list[Strategy]()
    for strategy in sorted(environment.strategies, key=lambda each: (each.disabled, each.sort_order)):
        known = ours_in(strategy, feature)
        if known and (known.is_of_nobody or _is_reached_before(known, ours)):
            stale.append(strategy)
        elif known:
            ours[known] = strategy
        elif not strategy.disabled:
            others.append(strategy)
    return Strategies(ours, tuple(stale), tuple(others))


def flag_in(environment: FeatureEnvironment, feature: KnownFeature) -> SystemFlag:
    """Return the flag in one environment. A segment of ours that is no longer known is left out.

    Strategies have no priorities. An override's priority is its segment's id, so that it is the same after a rollback.
    """
    found = sorted_out(environment, feature)
    foreign = tuple(_remarks(found, is_on=environment.enabled))
    if not environment.enabled:
        return SystemFlag(FlagState(allocation=found.allocation()), foreign)
    serves_all = found.serves_everyone or found.for_everyone is not None or not _active(environment.strategies)
    partial = max((each.percent for each in found.ours if each.is_rollout), default=None)
    keys = {reference: key for key, reference in feature.segments.items()}
    state = FlagState(
        enabled=serves_all,
        allocation=found.allocation(),
        rollout=None if partial is None else Rollout(percent=partial, enabled=True),
        overrides={keys[each.segment]: _override(each, found) for each in found.ours if each.segment in keys and each.percent == EVERYONE},
    )
    return SystemFlag(state, foreign)


def _override(whole: Ours, found: Strategies) -> Override:
    """Return the override of a segment, given what serves the rest of it."""
    own = None if whole.variant is None or whole.follows else found.allocation(whole.segment)
    return Override(enabled=True, inherits=("value",), priority=min(int(whole.segment or 0), LAST_PRIORITY), allocation=own)


def _is_reached_before(known: Ours, ours: Iterable[Ours]) -> bool:
    """True if another one of ours, which comes first, serves all of its users."""
    return any(
        each.slot == known.slot or (known.variant and each.active and each.segment == known.segment and each.slot[1] >= known.percent)
        for each in ours
    )


def _spans(allocation: Allocation) -> Mapping[str, Spans]:
    return {variant: share.at for variant, share in allocation.items()}


def _serves_everyone(strategy: Strategy) -> bool:
    if strategy.constraints or strategy.segments:
        return False
    return strategy.name == "default" or (strategy.name == FLEXIBLE and strategy.parameters.get("rollout") == str(EVERYONE))


def _active(strategies: Iterable[Strategy]) -> bool:
    return any(not each.disabled for each in strategies)


def _remarks(found: Strategies, *, is_on: bool) -> Iterator[str]:
    come_last = any(each.active and each.variant is not None and each.slot == (None, EVERYONE) for each in found.ours)
    for each in found.others:
        reach = "everyone" if _serves_everyone(each) else "some users"
        when = "serves" if is_on and not come_last else "would serve"
        yield f"The strategy '{each.title or each.name}' was not made by Flaghoist, and {when} {reach}."
    for audience in found.incomplete if is_on else ():
        yield f"The strategies of Flaghoist for {audience} are left from a change that was interrupted. The next change completes them."
