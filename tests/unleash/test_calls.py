"""The calls of a change: whoever looks in between sees, for each user, the state from before or the one from after."""

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from activities.providers.unleash.calls import calls_to
from activities.providers.unleash.documents import FeatureEnvironment, Strategy
from activities.providers.unleash.flag_state import flag_in
from activities.providers.unleash.ours import KnownFeature
from domain.flags.allocation import Allocation, percents
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variant
from tests.unleash.evaluated import OFF, Person, after, served

VARIANTS = (Variant(key="a", value="A"), Variant(key="b", value="2"), Variant(key="zz"))
FEATURE = KnownFeature("checkout", {"beta": "7", "staff": "12"}, VARIANTS)
OFF_THERE = FeatureEnvironment(name="development", enabled=False, strategies=[])
TESTERS = {"name": "flexibleRollout", "title": "Testers", "parameters": {"rollout": "20", "stickiness": "default", "groupId": "x"}}
PEOPLE = [
    Person(frozenset(segments), rollout, line)
    for segments, rollout, line in product([(), (7,), (12,), (7, 12)], [15, 60], range(1, 101, 7))
]


def _shares(numbers: list[int]) -> dict[str, int]:
    return {key: number for key, number in zip(("a", "b", "zz"), numbers, strict=True) if number}


allocations = st.lists(st.integers(0, 33), min_size=3, max_size=3).map(_shares) | st.sampled_from([{"a": 100}, {"b": 50, "zz": 50}, {}])
overrides = (
    st.none()
    | st.just({"enabled": True, "inherits": ["value"], "allocation": None})
    | allocations.map(lambda own: {"enabled": True, "inherits": ["value"], "allocation": own})
)


def _patch(allocation: dict[str, int], enabled: bool, beta: Any, staff: Any, percent: int) -> FlagPatch:
    rollout = {"percent": percent, "enabled": True} if percent and not allocation and not enabled else None
    return FlagPatch.model_validate(
        {"enabled": enabled, "allocation": allocation, "rollout": rollout, "overrides": {"beta": beta, "staff": staff}}
    )


patches = st.builds(_patch, allocations, st.booleans(), overrides, overrides, st.sampled_from([0, 0, 20, 60]))


def _told(state: FlagState) -> Any:
    """Return a state in a form that has each place on the line, and neither priorities nor the order in which variants got it."""
    own = {key: (each.enabled, each.allocation and _places(each.allocation)) for key, each in state.overrides.items()}
    return state.enabled, state.rollout, _places(state.allocation), own


def _places(allocation: Allocation) -> dict[str, set[int]]:
    return {key: {place for start, end in share.at for place in range(start, end, 100)} for key, share in allocation.items()}


def _seen(place: FeatureEnvironment) -> list[str]:
    return [served(place, each) for each in PEOPLE]


def _meant(state: FlagState, person: Person) -> str:
    """Return the variant that a state means for a person. The segment with the lower id comes first."""
    audiences = [key for key, number in (("beta", 7), ("staff", 12)) if number in person.segments and key in state.overrides]
    if not audiences and not state.enabled:
        return "" if state.rollout and person.rollout <= state.rollout.percent else OFF
    audience = audiences[0] if audiences else None
    for key, share in state.allocated(audience).items():
        if any(start < person.line * 100 <= end for start, end in share.at):
            return key
    own = audience and state.overrides[audience].allocation is not None
    return "control" if own or state.allocated(audience) else ""


@given(st.lists(patches, min_size=1, max_size=5), st.booleans())
def test_each_user_is_served_as_before_or_as_after_at_each_moment(history: list[FlagPatch], with_others: bool) -> None:
    place = OFF_THERE
    if with_others:
        place = place.model_copy(update={"strategies": [Strategy(id="theirs", **TESTERS)], "enabled": True})
    others = list(place.strategies)
    for patch in history:
        state = patch.applied(flag_in(place, FEATURE).state)
        before, seen = _seen(place), list[list[str]]()
        for call in calls_to(state, FEATURE, place):
            place = after(place, call)
            seen.append(_seen(place))

        now = flag_in(place, FEATURE).state
        assert _told(now) == _told(state)
        assert not calls_to(state, FEATURE, place), "nothing is left to do"
        assert [each for each in place.strategies if each.title == "Testers"] == others
        last = _seen(place)
        if not with_others:
            assert last == [_meant(state, each) for each in PEOPLE]
        for step in seen:
            assert all(one in (old, new) for one, old, new in zip(step, before, last, strict=True))


@given(st.lists(patches, min_size=2, max_size=3), st.data())
def test_attempt_that_is_lost_anywhere_is_completed_by_the_next_one(history: list[FlagPatch], data: st.DataObject) -> None:
    place = OFF_THERE
    for patch in history[:-1]:
        for call in calls_to(patch.applied(flag_in(place, FEATURE).state), FEATURE, place):
            place = after(place, call)
    before, start = _seen(place), flag_in(place, FEATURE).state
    patch = history[-1]
    calls = calls_to(patch.applied(start), FEATURE, place)
    for call in calls[: data.draw(st.integers(0, len(calls)))]:
        place = after(place, call)

    found = flag_in(place, FEATURE)
    state = patch.applied(found.state)
    if _told(found.state) == _told(state) and not found.foreign:
        assert not [each for each in calls_to(state, FEATURE, place) if _changes_anything(place, after(place, each))]
    for call in calls_to(state, FEATURE, place):
        place = after(place, call)

    assert percents(flag_in(place, FEATURE).state.allocation) == percents(patch.allocation)
    shrank, grew = _moved(start, state)
    for person, old, new in zip(PEOPLE, before, _seen(place), strict=True):
        if not person.segments and {old, new} <= {"a", "b", "zz", "control"} and old != new:
            assert old in shrank
            assert new in grew


def _changes_anything(before: FeatureEnvironment, now: FeatureEnvironment) -> bool:
    return _seen(before) != _seen(now)


def _moved(before: FlagState, now: FlagState) -> tuple[set[str], set[str]]:
    """Return the variants that shrank and those that grew, with the plain value as `control`."""
    old, new = ({**percents(each.allocation)} for each in (before, now))
    for each in (old, new):
        each["control"] = 100 - sum(each.values())
    keys = old.keys() | new.keys()
    return {key for key in keys if old.get(key, 0) > new.get(key, 0)}, {key for key in keys if old.get(key, 0) < new.get(key, 0)}
