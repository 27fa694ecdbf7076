"""Adopts the record into a model when the result could not be predicted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from domain.releases.release import Release
from tests.workflows.state_machine.flag_model import conflict_paths, flag_of
from tests.workflows.state_machine.gate_model import FreezeModel, HoldModel, StopModel, StopsAndFreezes
from tests.workflows.state_machine.guard_model import Watches, WatchModel
from tests.workflows.state_machine.model import ReleaseModel
from tests.workflows.state_machine.record import Record, ReleaseRecord
from tests.workflows.state_machine.views import decided_in

MINUTE = timedelta(minutes=1)
MinuteOf = Callable[[datetime], int]


def adopt_place(model: ReleaseModel, release: ReleaseRecord, record: Release) -> None:
    """Adopt the status, the stage, and the outcomes of visits."""
    model.status, model.index, model.step = record.status.value, record.stage_index, record.step - 1
    model.outcomes = [(run["stage_index"], run["outcome"]) for run in release.runs]
    model.seen = {row["environment"]: flag_of(row["state"]) for row in release.seen}
    model.conflict = conflict_paths(record.blocked.details.get("now")) if record.blocked else None
    model.decided = decided_in(release)
    model.has_changed = any(each["before"] != each["after"] for each in release.changes if each["visit"] == record.visit)


def adopt_watches(model: ReleaseModel, release: ReleaseRecord, minute_of: MinuteOf) -> None:
    """Adopt what is known of each guardrail and gate on the visit."""

    def minute(moment: str) -> int:
        return minute_of(datetime.fromisoformat(moment))

    model.watches = Watches(
        {
            each["key"]: WatchModel(
                minute(seen["at"]),
                seen["outcome"],
                minute(seen["since"]),
                seen["failures"],
                minute(seen["failed_at"]) if seen["failed_at"] else None,
                seen["longest"],
                seen["breached_at"] is not None,
            )
            for each in release.watches
            if each["visit"] == release.row["visit"]
            for seen in [each["observed"]]
        }
    )


def adopt_times(model: ReleaseModel, record: Release, remaining: timedelta, now: datetime, minute_of: MinuteOf) -> None:
    """Adopt the elapsed time, the rest of the wait, and what holds the stage back."""
    model.remaining = round(remaining / MINUTE)
    if not record.is_finished and record.entered_at:
        model.elapsed = minute_of(now) - model.origin
        model.entered = minute_of(record.entered_at) - model.origin
    until = record.paused.until if record.paused else None
    model.until = minute_of(until) - model.origin if until else None
    held = record.held
    model.held = HoldModel(held.code, minute_of(held.until) if held.until else None) if held else None
    model.must_check_gates = model.is_unsure = False


def adopt_stops_and_freezes(model: StopsAndFreezes, record: Record, minute_of: MinuteOf) -> None:
    """Adopt the stops and freezes."""
    model.freezes = {
        row["id"]: FreezeModel(minute_of(_at(row["starts_at"])), minute_of(_at(row["ends_at"])), (row["environments"] or [None])[0])
        for row in record.freezes
    }
    placed_by = {entry["after"]["id"]: entry["actor_owner"] for entry in record.audit if entry["event"] == "stop.placed"}
    model.stops = {
        row["id"]: StopModel(
            row["environment"], row["pipeline"], minute_of(_at(row["expires_at"])) if row["expires_at"] else None, placed_by[row["id"]]
        )
        for row in record.stops
        if row["lifted_at"] is None
    }


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(f"{moment}+00:00")
