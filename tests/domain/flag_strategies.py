"""Strategies for flags and patches of every kind, for property tests."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from domain.flags.allocation import Allocation, Share, relaid
from domain.flags.flag import FlagState, Override, Rollout
from domain.flags.patch import INHERITABLE, FlagPatch, OverridePatch
from domain.flags.variant import Variant
from domain.percentage import from_hundredths

SEGMENTS = ("beta", "staff", "vip")
VALUES = st.sampled_from([None, "", "a", "b"])
VARIANTS = (Variant(key="one-page", value="one"), Variant(key="two-pages", value="two"), Variant(key="video"))
VARIANT_KEYS = tuple(each.key for each in VARIANTS)
PERCENTAGES = st.integers(1, 99) | st.integers(1, 9_999).map(lambda hundredths: hundredths / 100)


@st.composite
def allocations(draw: st.DrawFn) -> Allocation:
    """Draw shares of any of the variants, also of all identities."""
    edges = sorted(draw(st.lists(st.integers(0, 10_000), max_size=len(VARIANTS))))
    shares = [after - before for before, after in pairwise([0, *edges])]
    named = zip(draw(st.permutations(VARIANTS)), shares, strict=False)
    return dict(sorted((variant.key, Share(percent=from_hundredths(share))) for variant, share in named if share))


@st.composite
def overrides(draw: st.DrawFn, priority: int) -> Override:
    """Draw an override in which each field is set or inherited."""
    inherits = tuple(field for field in INHERITABLE if draw(st.booleans()))
    enabled = None if "enabled" in inherits else draw(st.booleans())
    value = None if "value" in inherits else draw(VALUES)
    allocation = draw(st.none() | allocations().map(lambda wanted: relaid({}, wanted)))
    return Override(enabled=enabled, value=value, inherits=inherits, priority=priority, allocation=allocation)


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    """Draw a rollout that names some of its fields."""
    served: dict[str, Any] = {"enabled": draw(st.booleans())} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        served["value"] = draw(VALUES)
    return Rollout(percent=draw(PERCENTAGES), **served)


@st.composite
def flags(draw: st.DrawFn) -> FlagState:
    """Draw a flag with up to three overrides of different priorities."""
    priorities = draw(st.permutations(range(6)))
    present = [segment for segment in SEGMENTS if draw(st.booleans())]
    drawn = {segment: draw(overrides(priority=priority)) for segment, priority in zip(present, priorities, strict=False)}
    allocation: Allocation = {}
    for wanted in draw(st.lists(allocations(), max_size=3)):
        allocation = relaid(allocation, wanted)
    return FlagState(
        enabled=draw(st.booleans()), value=draw(VALUES), overrides=drawn, rollout=draw(st.none() | rollouts()), allocation=allocation
    )


@st.composite
def override_patches(draw: st.DrawFn) -> OverridePatch:
    """Draw a patch that sets, inherits or leaves alone each field."""
    fields: dict[str, Any] = {}
    inherits = []
    for field, values in (("enabled", st.booleans()), ("value", VALUES)):
        effect = draw(st.sampled_from(["set", "inherit", "leave"]))
        if effect == "set":
            fields[field] = draw(values)
        elif effect == "inherit":
            inherits.append(field)
    if draw(st.booleans()):
        fields["allocation"] = draw(st.none() | allocations())
    if draw(st.booleans()):
        fields["priority"] = draw(st.integers(10, 20))
    return OverridePatch(**fields | ({"inherits": tuple(inherits)} if inherits else {}))


@st.composite
def patches(draw: st.DrawFn) -> FlagPatch:
    """Draw a patch that names any of the fields."""
    fields: dict[str, Any] = {}
    if draw(st.booleans()):
        fields["enabled"] = draw(st.booleans())
    if draw(st.booleans()):
        fields["value"] = draw(VALUES)
    if draw(st.booleans()):
        fields["rollout"] = draw(st.none() | rollouts())
    if draw(st.booleans()):
        fields["allocation"] = draw(allocations())
    effect = draw(st.sampled_from(["leave", "remove", "segments"]))
    if effect == "remove":
        fields["overrides"] = "remove"
    elif effect == "segments":
        fields["overrides"] = draw(st.dictionaries(st.sampled_from(SEGMENTS), st.none() | override_patches(), max_size=3))
    return FlagPatch(**fields)
