"""The calls that bring a feature to a state, in an order in which nobody is served in between who is served neither before nor after."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from activities.providers.flag_system import SegmentKeys
from activities.providers.unleash.documents import FeatureEnvironment, NewStrategy, Strategy
from activities.providers.unleash.flag_state import Ours, Strategies, sorted_out
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


def calls_to(target: FlagState, feature: str, environment: FeatureEnvironment, segments: SegmentKeys) -> list[Call]:
    """Return the calls that bring a feature to that state.

    Raises Invalid if Unleash can't express it, KeptByOthers if a strategy of others is in the way, or SegmentNotFound.
    """
    found = sorted_out(environment)
    switched_on = found.switched_on or (not environment.enabled and bool(found.others))
    wanted = _wanted(target, found, segments, switched_on=switched_on)
    _check_others(target, found, is_on=environment.enabled, will_serve=bool(wanted))
    if not environment.enabled:  # What is left of ours must be gone before it is switched on.
        deletions: list[Call] = [Delete(each.id) for each in (*found.ours.values(), *found.stale)]
        additions: list[Call] = [Add(each.strategy(feature, switched_on=switched_on)) for each in _sorted(wanted)]
        return [*deletions, *additions, *([Switch("on")] if wanted else [])]
    changes = list(_changes(wanted, feature, found, switched_on=switched_on))
    # The server switches a feature off with its last strategy, and SDKs may serve everyone while only inactive ones are left.
    stays_on = bool(wanted) or target.enabled or (bool(found.others) and not found.switched_on)
    return changes if stays_on else [Switch("off"), *changes]


def _sorted(wanted: Iterable[Ours]) -> list[Ours]:
    return sorted(wanted, key=lambda each: each.title)


def _wanted(target: FlagState, found: Strategies, segments: SegmentKeys, *, switched_on: bool) -> set[Ours]:
    """Return what strategies of ours serve in the target. One that says that we switched the feature on stays until the end."""
    wanted = {Ours(segment=_reference(key, override, segments)) for key, override in target.overrides.items()}
    if target.value is not None:
        raise Invalid("Unleash can't set a value: use flags without values.")
    if target.rollout:
        if not target.rollout.enabled or target.rollout.value is not None or target.rollout.percent != int(target.rollout.percent):
            raise Invalid("Unleash can only enable a flag for a whole percentage of identities, without a value.")
        wanted.add(Ours(percent=int(target.rollout.percent)))
    if target.enabled and (switched_on or found.for_everyone is None):
        wanted.add(Ours())
    return wanted


def _reference(key: str, override: Override, segments: SegmentKeys) -> str:
    if not override.enabled or override.value is not None:
        raise Invalid("Unleash can only enable a flag for a segment: it can neither disable it there nor set a value.")
    if key not in segments:
        raise SegmentNotFound(f"There is no segment '{key}' in Unleash.")
    return segments[key]


def _check_others(target: FlagState, found: Strategies, *, is_on: bool, will_serve: bool) -> None:
    """Raise KeptByOthers if a strategy of others serves people whom the target does not mean."""
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


def _changes(wanted: set[Ours], feature: str, found: Strategies, *, switched_on: bool) -> Iterator[Call]:
    """Yield the calls for strategies. A share that changes keeps its strategy, so that it takes one call."""
    missing = _sorted(wanted - found.ours.keys())
    surplus = {each: strategy for each, strategy in found.ours.items() if each not in wanted}
    for each in missing:
        former = next((other for other in surplus if (other.segment, each.segment) == (None, None)), None)
        if former is None:
            yield Add(each.strategy(feature, switched_on=switched_on))
        else:
            yield Replace(Strategy(**each.strategy(feature, switched_on=switched_on).to_json(), id=surplus.pop(former).id))
    for strategy in (*surplus.values(), *found.stale):
        yield Delete(strategy.id)
