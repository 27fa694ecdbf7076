"""What happened, in one line each."""

from typing import Any

import pytest

from api.embedded.format_event import TOLD, differences, format_event
from domain.audit import AuditEvent


def entry(event: str, **more: Any) -> dict[str, Any]:
    fields = ("environment", "feature", "pipeline", "release", "stage", "before", "after", "reason", "on_behalf_of")
    actor = {"kind": "key", "id": "1", "owner": "ada"}
    return dict.fromkeys(fields) | {"id": "1", "at": "2026-01-01T10:00:00Z", "event": event, "actor": actor} | more


def test_a_change_by_hand_is_told_with_before_and_after() -> None:
    states = {"before": {"enabled": False, "value": "a"}, "after": {"enabled": True, "value": "a"}}

    line = format_event(entry("flag.changed", feature="checkout", environment="staging", **states))

    assert line.endswith("staging: off → on")
    assert "by hand" in line


def test_what_a_rollback_put_back_is_told_as_its_doing() -> None:
    release = {"kind": "release", "id": "1", "owner": None}

    line = format_event(entry("flag.changed", actor=release, environment="staging", before={"enabled": True}, after={"enabled": False}))

    assert "  rollback " in line


def test_overrides_are_told_by_segment() -> None:
    before = {"overrides": {"beta": None, "staff": {"enabled": True, "priority": 0}}}
    after = {"overrides": {"beta": {"value": 3}, "staff": None}}

    assert differences(before, after) == ["for beta: as everyone → value 3", "for staff: on → as everyone"]


def test_a_field_at_its_target_is_left_out() -> None:
    assert differences({"enabled": True, "value": None}, {"enabled": True, "value": "x" * 100}) == [f'value none → "{"x" * 38}…']


@pytest.mark.parametrize("event", [event for event in AuditEvent if event.startswith(("release.", "stage."))])
def test_every_step_of_a_flag_is_told(event: AuditEvent) -> None:
    assert event in TOLD
    assert "checkout" in format_event(entry(event, feature="checkout", environment="staging", stage="Beta", reason="why"))


def test_a_rollback_is_told_with_how_far_it_goes_and_how_much_was_left_alone() -> None:
    whole = entry("release.rolling_back", after={"to_stage": None, "force": False}, reason="it fails")
    to_stage = entry("release.rolling_back", after={"to_stage": "Beta", "force": False})
    done = entry("release.rolled_back", after={"to_stage": None, "force": False, "left_alone": []})
    in_part = entry("release.rolled_back", after={"to_stage": None, "force": False, "left_alone": [{}, {}]})
    given_up = entry("release.not_rolled_back", reason="erin no longer has the right.")

    assert [format_event(each).split("by hand")[1].strip() for each in (whole, to_stage, done, in_part, given_up)] == [
        "to be rolled back: it fails",
        "to be rolled back to 'Beta'",
        "rolled back",
        "rolled back, but for 2 that somebody changed since",
        "not rolled back: erin no longer has the right.",
    ]
