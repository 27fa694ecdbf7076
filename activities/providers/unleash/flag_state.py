"""Strategies of a feature as the state of a flag: those that Flaghoist made, and those that people made.

Strategies are alternatives: whoever one of them serves has the flag. Ours are known by their title and their form. One of ours that a
person changed counts as theirs.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from activities.providers.flag_system import SegmentKeys, SystemFlag
from activities.providers.unleash.documents import FeatureEnvironment, NewStrategy, Strategy
from domain.flags.flag import LAST_PRIORITY, FlagState, Override, Rollout
from domain.percentage import EVERYONE

FLEXIBLE = "flexibleRollout"
_TITLE = "Flaghoist: "
_SWITCHED_ON = ", switched on"
"""The end of a title that says that the feature was off before. It is switched off again with the last of our strategies."""
_STICKY = (None, "", "default")


class Ours(NamedTuple):
    """The people whom a strategy of ours serves: a segment by its reference, or a whole percentage of everyone."""

    segment: str | None = None
    percent: int = EVERYONE

    def strategy(self, feature: str, *, switched_on: bool) -> NewStrategy:
        """Return the strategy that serves it. Users stay in while the percentage grows, because the group never changes."""
        title = self.title + (_SWITCHED_ON if switched_on else "")
        parameters = {"rollout": str(self.percent), "stickiness": "default", "groupId": feature}
        return NewStrategy(name=FLEXIBLE, title=title, parameters=parameters, segments=[int(self.segment)] if self.segment else [])

    @property
    def title(self) -> str:
        """The title by which it is known."""
        if self.segment is not None:
            return f"{_TITLE}segment {self.segment}"
        return f"{_TITLE}everyone" if self.percent == EVERYONE else f"{_TITLE}rollout"


class Strategies(NamedTuple):
    """The strategies of a feature in one environment: ours that are active by what they serve, ours that are not, and others."""

    ours: Mapping[Ours, Strategy]
    stale: tuple[Strategy, ...]
    others: tuple[Strategy, ...]

    @property
    def switched_on(self) -> bool:
        """True if the feature was off before one of ours was added."""
        return any(str(each.title).endswith(_SWITCHED_ON) for each in (*self.ours.values(), *self.stale))

    @property
    def for_everyone(self) -> Strategy | None:
        """The strategy of others that serves everyone, if there is one."""
        return next((each for each in self.others if _serves_everyone(each)), None)


def sorted_out(environment: FeatureEnvironment) -> Strategies:
    """Sort the strategies of a feature. Inactive ones of others serve nobody and are left out."""
    ours: dict[Ours, Strategy] = {}
    stale, others = list[Strategy](), list[Strategy]()
    for strategy in environment.strategies:
        known = _ours(strategy)
        if known and (strategy.disabled or known in ours):
            stale.append(strategy)
        elif known:
            ours[known] = strategy
        elif not strategy.disabled:
            others.append(strategy)
    return Strategies(ours, tuple(stale), tuple(others))


def flag_in(environment: FeatureEnvironment, segments: SegmentKeys) -> SystemFlag:
    """Return the flag in one environment. A segment of ours that is no longer known is left out.

    Strategies are alternatives without priorities. An override's priority is its segment's id, so that it is the same after a rollback.
    """
    found = sorted_out(environment)
    foreign = tuple(_remarks(found, is_on=environment.enabled))
    if not environment.enabled:
        return SystemFlag(FlagState(), foreign)
    keys = {reference: key for key, reference in segments.items()}
    shares = [each.percent for each in found.ours if each.segment is None]
    serves_all = EVERYONE in shares or found.for_everyone is not None or not _active(environment.strategies)
    partial = max((each for each in shares if each < EVERYONE), default=None)
    served = {keys[each.segment]: int(each.segment) for each in found.ours if each.segment in keys}
    state = FlagState(
        enabled=serves_all,
        rollout=None if partial is None else Rollout(percent=partial, enabled=True),
        overrides={key: Override(enabled=True, inherits=("value",), priority=min(number, LAST_PRIORITY)) for key, number in served.items()},
    )
    return SystemFlag(state, foreign)


def _ours(strategy: Strategy) -> Ours | None:
    """Return what a strategy of ours serves, or None if it is not ours, or no longer as we made it."""
    if strategy.name != FLEXIBLE or strategy.constraints or strategy.variants or len(strategy.segments) > 1:
        return None
    percent, stickiness = strategy.parameters.get("rollout", ""), strategy.parameters.get("stickiness")
    if stickiness not in _STICKY or not percent.isdecimal() or not 0 < int(percent) <= EVERYONE:
        return None
    known = Ours(str(strategy.segments[0]) if strategy.segments else None, int(percent))
    is_possible = known.segment is None or known.percent == EVERYONE
    return known if is_possible and str(strategy.title).removesuffix(_SWITCHED_ON) == known.title else None


def _serves_everyone(strategy: Strategy) -> bool:
    if strategy.constraints or strategy.segments:
        return False
    return strategy.name == "default" or (strategy.name == FLEXIBLE and strategy.parameters.get("rollout") == str(EVERYONE))


def _active(strategies: Iterable[Strategy]) -> bool:
    return any(not each.disabled for each in strategies)


def _remarks(found: Strategies, *, is_on: bool) -> Iterator[str]:
    for each in found.others:
        reach = "everyone" if _serves_everyone(each) else "some users"
        when = "serves" if is_on else "would serve"
        yield f"The strategy '{each.title or each.name}' was not made by Flaghoist, and {when} {reach}."
