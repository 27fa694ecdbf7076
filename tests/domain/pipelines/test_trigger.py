"""The rules of each trigger."""

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.pipelines.action import Action
from domain.pipelines.trigger import Trigger, WaitUntil
from tests.pipelines import until
from tests.world import NOW

TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)
HOUR = timedelta(hours=1)


def trigger_from(written: dict[str, Any]) -> Trigger:
    return TRIGGER.validate_python(written)


def wait_until(*arguments: str, **more: str) -> WaitUntil:
    return WaitUntil.model_validate(until(*arguments, **more))


@pytest.mark.parametrize("rules", [Trigger, Action])
def test_every_trigger_and_action_implements_all_rules_and_is_final(rules: Any) -> None:
    members = get_args(get_args(rules)[0])

    assert [member.__name__ for member in members if inspect.isabstract(member)] == []
    assert [member.__name__ for member in members if not getattr(member, "__final__", False)] == []


@pytest.mark.parametrize(
    ("written", "due_after", "waits", "is_fixed_time", "words"),
    [
        ({"type": "ON_ENTER"}, timedelta(0), False, False, "at once"),
        ({"type": "WAIT_FOR", "duration": "0s"}, timedelta(0), False, False, "after 0 s"),
        ({"type": "WAIT_FOR", "duration": "1d12h"}, 36 * HOUR, True, False, "after 1 d 12 h"),
        (until("2026-03-02T10:00:00Z"), HOUR, True, True, "at 2026-03-02T10:00:00Z"),
        (until("2026-03-02T09:30", timezone="Europe/Berlin"), timedelta(0), True, True, "at 2026-03-02T09:30 Europe/Berlin"),
    ],
)
def test_each_trigger_has_its_due_time_and_words(
    written: dict[str, Any], due_after: timedelta, waits: bool, is_fixed_time: bool, words: str
) -> None:
    trigger = trigger_from(written)

    assert trigger.due_at(NOW) == NOW + due_after
    assert (trigger.waits, trigger.is_fixed_time, trigger.in_words()) == (waits, is_fixed_time, words)
    assert trigger.parameters == frozenset()
    assert trigger.with_fixed_time({}).due_at(NOW) == trigger.due_at(NOW)


def test_a_time_in_the_past_is_due_on_entering_and_the_plan_notes_it() -> None:
    late, early = wait_until("2026-03-02T10:00:00Z"), wait_until("2026-03-02T09:00:00+01:00")

    assert (late.due_at(NOW), late.has_passed(NOW), late.note(NOW)) == (NOW + HOUR, False, None)
    assert (early.due_at(NOW), early.has_passed(NOW)) == (NOW, True)
    assert early.note(NOW) == "Its time, 2026-03-02 08:00:00 UTC, has passed when the stage is entered, so it acts at once."


def test_a_time_can_come_from_a_parameter() -> None:
    trigger = wait_until(parameter="launch_at", timezone="Europe/Berlin")

    assert trigger.parameters == {"launch_at"}
    assert trigger.with_fixed_time({"launch_at": "2026-07-01T09:00"}).due_at(NOW) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert trigger.with_fixed_time({"launch_at": "2026-07-01T09:00Z"}).due_at(NOW) == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert trigger.with_fixed_time({"launch_at": "2026-07-01T09:00Z"}).parameters == frozenset()
    assert trigger.in_words() == "at ‹launch_at›"


@pytest.mark.parametrize("parameters", [{}, {"launch_at": "2026-03-29T02:30"}, {"launch_at": 5}])
def test_a_time_that_is_missing_or_unusable_stays_unresolved(parameters: dict[str, Any]) -> None:
    trigger = wait_until(parameter="launch_at", timezone="Europe/Berlin")

    assert trigger.with_fixed_time(parameters) == trigger
    assert trigger.note(NOW) is None
    with pytest.raises(ValueError, match="a parameter gives the time"):
        trigger.due_at(NOW)


@pytest.mark.parametrize(
    ("written", "location", "words"),
    [
        ({}, (), "needs either"),
        ({"at": "2026-03-02T10:00Z", "at_from": {"parameter": "a"}}, (), "needs either"),
        ({"at": "tomorrow"}, ("at",), "must be a point in time"),
        ({"at": "2026-03-02"}, ("at",), "must have a time of day"),
        ({"at": "2026-03-02T10:00"}, ("at",), "must have an offset"),
        ({"at": "2026-03-02T10:00Z", "timezone": "Europe/Berlin"}, ("at",), "leave one of them out"),
        ({"at": "2026-03-29T02:30", "timezone": "Europe/Berlin"}, ("at",), "must exist in Europe/Berlin"),
        ({"at": "2026-03-02T10:00", "timezone": "Mars/Base"}, ("timezone",), "IANA time zone"),
        ({"at_from": {"parameter": "a"}, "timezone": ""}, ("timezone",), "IANA time zone"),
    ],
)
def test_invalid_times_are_rejected_at_their_field(written: dict[str, Any], location: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as rejected:
        WaitUntil.model_validate({"type": "WAIT_UNTIL", **written})

    assert rejected.value.errors()[0]["loc"] == location
