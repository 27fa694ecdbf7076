"""Flags in OFREP, for every type and every reason."""

from typing import Any

import pytest

from domain.evaluation.evaluator import FlagResult
from domain.evaluation.ofrep import resolution_of
from domain.evaluation.snapshot import ServedFlag
from domain.flags.flag import FeatureType, FlagState, Rollout
from domain.flags.project import Feature


def resolved(kind: FeatureType, enabled: bool, value: Any = None, segment: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a flag of the type in OFREP. `rollout` gives it a rollout, and `inside` puts the identity into its share."""
    state = FlagState(rollout=Rollout(percent=10)) if more.get("rollout") else FlagState()
    flag = ServedFlag(1, Feature(id="f", key="flag", name="Flag", type=kind), state)
    return resolution_of(FlagResult(flag, enabled, value, "", segment, bool(more.get("inside"))))


VALUES = {FeatureType.STRING: "", FeatureType.INTEGER: 0, FeatureType.BOOLEAN: False}


@pytest.mark.parametrize("kind", FeatureType)
def test_an_enabled_flag_has_its_value(kind: FeatureType) -> None:
    value = VALUES.get(kind)

    expected = True if kind is FeatureType.TOGGLE else value
    assert resolved(kind, True, value) == {"key": "flag", "value": expected, "reason": "STATIC", "variant": "default"}


@pytest.mark.parametrize("kind", FeatureType)
def test_a_disabled_flag_has_no_value_unless_it_is_a_toggle(kind: FeatureType) -> None:
    off = {"key": "flag", "reason": "DISABLED", "variant": "disabled"}
    toggle = {"key": "flag", "value": False, "reason": "STATIC", "variant": "default"}

    assert resolved(kind, False, VALUES.get(kind)) == (toggle if kind is FeatureType.TOGGLE else off)


def test_no_value_is_omitted() -> None:
    assert resolved(FeatureType.STRING, True) == {"key": "flag", "reason": "STATIC", "variant": "default"}


def test_the_reason_and_the_variant_name_the_source_of_the_value() -> None:
    resolutions = [
        resolved(FeatureType.STRING, True, "v", "beta"),
        resolved(FeatureType.STRING, True, "v", "beta", rollout=True),
        resolved(FeatureType.STRING, True, "v", rollout=True, inside=True),
        resolved(FeatureType.STRING, True, "v", rollout=True),
    ]

    assert [(each["reason"], each["variant"]) for each in resolutions] == [
        ("TARGETING_MATCH", "beta"),
        ("TARGETING_MATCH", "beta"),
        ("SPLIT", "rollout"),
        ("SPLIT", "default"),
    ]
