"""Invariants of windows, freezes, stops and approvals, by the order of writing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.workflows.state_machine.flag_history import Known, paths_of
from tests.workflows.state_machine.record import CHANGES, Record, ReleaseRecord, Row

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY = 24 * 60
GONE = "(no override)"


class Act(NamedTuple):
    """The audit entry of a stage that acted or a hold that ended, with all earlier entries of the audit log."""

    release: ReleaseRecord
    entry: Row
    before: list[Row]
    visit: int
    step: int

    @property
    def stage(self) -> Row:
        """The stage that acted."""
        return self.release.stage_of(self.release.runs[self.visit - 1])

    @property
    def name(self) -> str:
        """Its name in a violation."""
        return f"visit {self.visit}, step {self.step}, acted at {self.entry['at']}"

    def gates(self, kind: str) -> list[Row]:
        """Return the gates of its stage of one kind."""
        return [gate for gate in self.stage.get("gates", ()) if gate["type"] == kind]

    def in_force(self, created: str, ended: str) -> list[Row]:
        """Return the entries of what was created and not ended again before it acted."""
        gone = [(entry["before"] or entry["after"])["id"] for entry in self.before if entry["event"] == ended]
        return [entry for entry in self.before if entry["event"] == created and entry["after"]["id"] not in gone]


def acts_of(record: Record) -> Iterator[Act]:
    """Yield every act of a stage."""
    positions = {entry["id"]: number for number, entry in enumerate(record.audit)}
    for release in record.releases:
        steps = dict.fromkeys((run["visit"] for run in release.runs), 0)
        of_rollbacks = [entry["id"] for entry in release.rollback_entries]
        for visit, entry in release.writes_by_visit():
            if entry["event"] in (*CHANGES, "stage.hold_ended") and entry["id"] not in of_rollbacks:
                steps[visit] = steps.get(visit, 0) + 1
                yield Act(release, entry, record.audit[: positions[entry["id"]]], visit, steps[visit])


def nothing_acts_under_a_stop(record: Record) -> Iterator[str]:
    """No stage in the scope of a stop acts between its placing and its lifting, unless the stop has expired."""
    for act in acts_of(record):
        for stop in act.in_force("stop.placed", "stop.lifted"):
            covers = all(stop[field] in (None, act.entry[field]) for field in ("environment", "pipeline"))
            if covers and not _is_past(stop["after"]["expires_at"], act):
                yield f"{act.name} under {stop['after']}"


def nothing_acts_in_a_freeze(record: Record) -> Iterator[str]:
    """No stage acts in a frozen environment between the start and the end of the freeze, unless the freeze was deleted."""
    for act in acts_of(record):
        for freeze in (entry["after"] for entry in act.in_force("freeze.created", "freeze.deleted")):
            covers = not freeze["environments"] or act.entry["environment"] in freeze["environments"]
            if covers and _is_past(freeze["starts_at"], act) and not _is_past(freeze["ends_at"], act):
                yield f"{act.name} in {freeze}"


def nothing_acts_outside_its_window(record: Record) -> Iterator[str]:
    """Whenever a stage acts, each of its windows is open."""
    for act in acts_of(record):
        for window in act.gates("WINDOW"):
            if not _is_open(window, _at(act.entry["at"])):
                yield f"{act.name} outside {window}"


def nothing_acts_without_its_approvals(record: Record) -> Iterator[str]:
    """Before the first step, enough different people approved what the flag has then, and nobody rejected since."""
    for act in acts_of(record):
        for gate in act.gates("APPROVAL") if act.step == 1 else ():
            own = () if gate.get("allow_requester") else (act.release.row["added_by"],)
            people = {approval["owner_id"] for approval in _counting(act)} - {*own}
            if len(people) < gate["approvals"]:
                yield f"{act.name} with {len(people)} of {gate['approvals']} approvals"


def each_approval_has_one_audit_entry(record: Record) -> Iterator[str]:
    """Every approval has one audit entry, and has lapsed only at a rejection."""
    for release in record.releases:
        entries = [(entry["at"], entry["after"]["binds"]) for entry in release.audit if entry["event"] == "release.approved"]
        if entries != [(approval["at"], approval["binds"]) for approval in release.approvals]:
            yield f"the audit log has {entries}, the approvals are {release.approvals}"
        rejections = [entry["at"] for entry in release.audit if entry["event"] == "release.rejected"]
        if any(approval["lapsed_at"] not in (None, *rejections) for approval in release.approvals):
            yield f"lapsed without a rejection: {release.approvals}"


def stops_and_freezes_match_the_audit_log(record: Record) -> Iterator[str]:
    """The stops and freezes are those in the audit log."""
    entries = {event: [entry["after"] or entry["before"] for entry in record.audit if entry["event"] == event] for event in _EVENTS}
    deleted = [freeze["id"] for freeze in entries["freeze.deleted"]]
    expected = (
        [stop["id"] for stop in entries["stop.placed"]],
        sorted(stop["id"] for stop in entries["stop.lifted"]),
        [freeze["id"] for freeze in entries["freeze.created"] if freeze["id"] not in deleted],
    )
    actual = (
        [stop["id"] for stop in record.stops],
        sorted(stop["id"] for stop in record.stops if stop["lifted_at"]),
        [freeze["id"] for freeze in record.freezes],
    )
    if expected != actual:
        yield f"the audit log has {expected}, the tables have {actual}"


def only_running_releases_are_held_back(record: Record) -> Iterator[str]:
    """Only a running release is held back, and it acts at the known end of its hold."""
    for row in (release.row for release in record.releases if release.row["held"]):
        until = row["held"]["until"]
        if row["status"] != "running" or (until and _at(until)) != (row["acts_at"] and _at(row["acts_at"])):
            yield f"{row['status']}, acts at {row['acts_at']}, held by {row['held']}"


_EVENTS = ("stop.placed", "stop.lifted", "freeze.created", "freeze.deleted")


def _counting(act: Act) -> list[Row]:
    """Return the approvals of its visit for what the flag had when it acted, and after which nobody rejected."""
    own = [(number, entry) for number, entry in enumerate(act.before) if entry["release"] == act.entry["release"]]
    rejected = max((number for number, entry in own if entry["event"] == "release.rejected"), default=-1)
    entries = [number for number, entry in own if entry["event"] == "release.approved"]
    approvals = [(number, each) for number, each in zip(entries, act.release.approvals, strict=False) if each["visit"] == act.visit]
    return [each for number, each in approvals if number > rejected and not _has_changed(act, act.before[number:])]


def _has_changed(act: Act, since: list[Row]) -> bool:
    """True if the fields that the stage changed were different before these entries, followed backwards from the act."""
    if act.entry["event"] == "stage.hold_ended":
        return False
    found: Known = paths_of(act.entry["before"])
    was = dict(found)
    key = [act.entry[field] for field in ("feature", "environment")]
    for entry in reversed(since):
        if entry["event"] in CHANGES and [entry[field] for field in ("feature", "environment")] == key:
            earlier = paths_of(entry["before"])
            gone = [path for path in found if earlier.get(path.partition("/")[0]) is False and "/" in path]
            was |= {path: earlier[path] for path in found if path in earlier} | dict.fromkeys(gone, GONE)
    return was != found


def _is_open(window: Row, at: datetime) -> bool:
    """True if the window is open, by the minutes of the week."""
    wall = at.astimezone(ZoneInfo(window["timezone"]))
    now = wall.weekday() * DAY + wall.hour * 60 + wall.minute
    spans = [(DAYS.index(day) * DAY + _minutes(each["start"]), each) for each in window["ranges"] for day in each["days"]]
    return any((now - start) % (7 * DAY) < (_minutes(each["end"]) - _minutes(each["start"])) % DAY for start, each in spans)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _is_past(moment: str | None, act: Act) -> bool:
    return moment is not None and _at(moment) <= _at(act.entry["at"])


def _at(moment: str) -> datetime:
    at = datetime.fromisoformat(moment)
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # As in the database.
