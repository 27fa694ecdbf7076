"""Audit entries, formatted as one line each."""

from typing import Any

import pytest

from api.embedded.format_event import FORMATS, differences, format_event
from domain.audit import AuditEvent


def entry(event: str, **more: Any) -> dict[str, Any]:
    fields = ("environment", "feature", "pipeline", "release", "stage", "before", "after", "reason", "on_behalf_of")
    actor = {"kind": "key", "id": "1", "owner": "ada"}
    return dict.fromkeys(fields) | {"id": "1", "at": "2026-01-01T10:00:00Z", "event": event, "actor": actor} | more


def test_a_change_by_hand_shows_before_and_after() -> None:
    states = {"before": {"enabled": False, "value": "a"}, "after": {"enabled": True, "value": "a"}}

    line = format_event(entry("flag.changed", feature="checkout", environment="staging", **states))

    assert line.endswith("staging: off → on")
    assert "  by hand " in line


def test_a_change_by_a_rollback_is_labelled() -> None:
    release = {"kind": "release", "id": "1", "owner": None}

    line = format_event(entry("flag.changed", actor=release, environment="staging", before={"enabled": True}, after={"enabled": False}))

    assert "  rollback " in line


def test_overrides_are_shown_by_segment() -> None:
    before = {"overrides": {"beta": None, "staff": {"enabled": True, "priority": 0}}}
    after = {"overrides": {"beta": {"value": 3}, "staff": None}}

    assert differences(before, after) == ["for beta: default → value 3", "for staff: on → default"]


def test_an_unchanged_field_is_left_out() -> None:
    assert differences({"enabled": True, "value": None}, {"enabled": True, "value": "x" * 100}) == [f'value none → "{"x" * 38}…']


@pytest.mark.parametrize("event", [event for event in AuditEvent if event.startswith(("release.", "stage."))])
def test_every_step_of_a_flag_has_a_format(event: AuditEvent) -> None:
    assert event in FORMATS
    assert "checkout" in format_event(entry(event, feature="checkout", environment="staging", stage="Beta", reason="why"))


def test_a_rollback_shows_its_extent_and_the_number_of_fields_left_alone() -> None:
    whole = entry("release.rolling_back", after={"to_stage": None, "force": False}, reason="it fails")
    to_stage = entry("release.rolling_back", after={"to_stage": "Beta", "force": False})
    done = entry("release.rolled_back", after={"to_stage": None, "force": False, "left_alone": []})
    partial = entry("release.rolled_back", after={"to_stage": None, "force": False, "left_alone": [{}, {}]})
    given_up = entry("release.not_rolled_back", reason="erin no longer has the right.")

    assert [format_event(each).split("by hand ")[1].strip() for each in (whole, to_stage, done, partial, given_up)] == [
        "rollback requested: it fails",
        "rollback to 'Beta' requested",
        "rolled back",
        "rolled back, except 2 fields left alone",
        "rollback given up: erin no longer has the right.",
    ]
