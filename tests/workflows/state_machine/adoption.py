"""What a model takes over from the record, where what happened could not be predicted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from domain.releases.release import Release
from tests.workflows.state_machine.flag_model import flag_of, shown_in
from tests.workflows.state_machine.gate_model import Frost, Guards, Halt, Hold
from tests.workflows.state_machine.model import ReleaseModel
from tests.workflows.state_machine.record import Record, Story

MINUTE = timedelta(minutes=1)
MinuteOf = Callable[[datetime], int]


def adopt_place(model: ReleaseModel, story: Story, record: Release) -> None:
    """Where the release stands, and what came of its visits."""
    model.status, model.index, model.step = record.status.value, record.stage_index, record.step - 1
    model.outcomes = [(run["stage_index"], run["outcome"]) for run in story.runs]
    model.seen = {row["environment"]: flag_of(row["state"]) for row in story.seen}
    model.shown = shown_in(record.blocked.details.get("now")) if record.blocked else None
    model.has_changed = any(each["before"] != each["after"] for each in story.changes if each["visit"] == record.visit)


def adopt_times(model: ReleaseModel, record: Release, left: timedelta, now: datetime, minute_of: MinuteOf) -> None:
    """How long it was under way, what is left of its wait, and what holds it."""
    model.left = round(left / MINUTE)
    if not record.is_finished and record.entered_at:
        model.passed = minute_of(now) - model.origin
    until = record.paused.until if record.paused else None
    model.until = minute_of(until) - model.origin if until else None
    held = record.held
    model.held = Hold(held.code, minute_of(held.until) if held.until else None) if held else None
    model.must_try = model.is_unsure = False


def adopt_guards(guards: Guards, record: Record, minute_of: MinuteOf) -> None:
    """What stands in the way of all releases."""
    guards.frosts = {
        row["id"]: Frost(minute_of(_at(row["starts_at"])), minute_of(_at(row["ends_at"])), (row["environments"] or [None])[0])
        for row in record.freezes
    }
    placers = {entry["after"]["id"]: entry["actor_owner"] for entry in record.audit if entry["event"] == "stop.placed"}
    guards.halts = {
        row["id"]: Halt(
            row["environment"], row["pipeline"], minute_of(_at(row["expires_at"])) if row["expires_at"] else None, placers[row["id"]]
        )
        for row in record.stops
        if row["lifted_at"] is None
    }


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(f"{moment}+00:00")
