"""What OFREP says of a flag, for every type and every way it came about."""

from typing import Any

import pytest

from domain.evaluation.evaluator import FlagResult
from domain.evaluation.ofrep import resolution_of
from domain.evaluation.snapshot import ServedFlag
from domain.flags.flag import FeatureType, FlagState, Rollout
from domain.flags.project import Feature


def said(kind: FeatureType, enabled: bool, value: Any = None, segment: str | None = None, **more: Any) -> dict[str, Any]:
    """What is said of a flag of that type; `rollout` gives it one, and `inside` the identity's side of it."""
    state = FlagState(rollout=Rollout(percent=10)) if more.get("rollout") else FlagState()
    flag = ServedFlag(1, Feature(id="f", key="flag", name="Flag", type=kind), state)
    return resolution_of(FlagResult(flag, enabled, value, "", segment, bool(more.get("inside"))))


VALUES = {FeatureType.STRING: "", FeatureType.INTEGER: 0, FeatureType.BOOLEAN: False}


@pytest.mark.parametrize("kind", FeatureType)
def test_a_flag_that_is_on_gives_its_value(kind: FeatureType) -> None:
    value = VALUES.get(kind)

    expected = True if kind is FeatureType.TOGGLE else value
    assert said(kind, True, value) == {"key": "flag", "value": expected, "reason": "STATIC", "variant": "default"}


@pytest.mark.parametrize("kind", FeatureType)
def test_a_flag_that_is_off_gives_no_value_unless_it_is_a_toggle(kind: FeatureType) -> None:
    off = {"key": "flag", "reason": "DISABLED", "variant": "disabled"}
    toggle = {"key": "flag", "value": False, "reason": "STATIC", "variant": "default"}

    assert said(kind, False, VALUES.get(kind)) == (toggle if kind is FeatureType.TOGGLE else off)


def test_no_value_is_left_out() -> None:
    assert said(FeatureType.STRING, True) == {"key": "flag", "reason": "STATIC", "variant": "default"}


def test_the_reason_tells_how_it_came_about_and_the_variant_whose_it_is() -> None:
    ways = [
        said(FeatureType.STRING, True, "v", "beta"),
        said(FeatureType.STRING, True, "v", "beta", rollout=True),
        said(FeatureType.STRING, True, "v", rollout=True, inside=True),
        said(FeatureType.STRING, True, "v", rollout=True),
    ]

    assert [(way["reason"], way["variant"]) for way in ways] == [
        ("TARGETING_MATCH", "beta"),
        ("TARGETING_MATCH", "beta"),
        ("SPLIT", "rollout"),
        ("SPLIT", "default"),
    ]
