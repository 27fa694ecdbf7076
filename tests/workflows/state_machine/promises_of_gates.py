"""What must hold of what guards stages: windows, freezes, stops and approvals, by the order in which all of it was written."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.workflows.state_machine.flag_history import Known, paths_of
from tests.workflows.state_machine.record import CHANGES, Record, Row, Story

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY = 24 * 60
GONE = "(no override)"


class Act(NamedTuple):
    """A stage that acted, or a hold that ended: what was told before it, by whom it was asked, and when it was."""

    story: Story
    told: Row
    before: list[Row]
    visit: int
    step: int

    @property
    def stage(self) -> Row:
        """The stage that acted."""
        return self.story.stage_of(self.story.runs[self.visit - 1])

    @property
    def name(self) -> str:
        """What it is called in a finding."""
        return f"visit {self.visit}, step {self.step}, acted at {self.told['at']}"

    def gates(self, kind: str) -> list[Row]:
        """Those of its stage of one kind."""
        return [gate for gate in self.stage.get("gates", ()) if gate["type"] == kind]

    def in_force(self, made: str, taken_back: str) -> list[Row]:
        """What was told of each thing that was made, and not taken back, before it acted."""
        gone = [(entry["before"] or entry["after"])["id"] for entry in self.before if entry["event"] == taken_back]
        return [entry for entry in self.before if entry["event"] == made and entry["after"]["id"] not in gone]


def acts_of(record: Record) -> Iterator[Act]:
    """Everything that stages did."""
    positions = {entry["id"]: number for number, entry in enumerate(record.audit)}
    for story in record.stories:
        steps = dict.fromkeys((run["visit"] for run in story.runs), 0)
        of_rollbacks = [entry["id"] for entry in story.told_of_rollbacks]
        for visit, entry in story.writes_by_visit():
            if entry["event"] in (*CHANGES, "stage.hold_ended") and entry["id"] not in of_rollbacks:
                steps[visit] = steps.get(visit, 0) + 1
                yield Act(story, entry, record.audit[: positions[entry["id"]]], visit, steps[visit])


def nothing_acts_under_a_stop(record: Record) -> Iterator[str]:
    """What is written after a stop in whose scope it is was written, and before it was lifted, happened after the stop expired."""
    for act in acts_of(record):
        for stop in act.in_force("stop.placed", "stop.lifted"):
            covers = all(stop[field] in (None, act.told[field]) for field in ("environment", "pipeline"))
            if covers and not _is_past(stop["after"]["expires_at"], act):
                yield f"{act.name} under {stop['after']}"


def nothing_acts_in_a_freeze(record: Record) -> Iterator[str]:
    """What is written after a freeze was made, and before it was taken away, happened before it started or after it ended."""
    for act in acts_of(record):
        for freeze in (entry["after"] for entry in act.in_force("freeze.created", "freeze.deleted")):
            covers = not freeze["environments"] or act.told["environment"] in freeze["environments"]
            if covers and _is_past(freeze["starts_at"], act) and not _is_past(freeze["ends_at"], act):
                yield f"{act.name} in {freeze}"


def nothing_acts_outside_its_window(record: Record) -> Iterator[str]:
    """Whenever a stage acts, one of the ranges of each of its windows is open."""
    for act in acts_of(record):
        for window in act.gates("WINDOW"):
            if not _is_open(window, _at(act.told["at"])):
                yield f"{act.name} outside {window}"


def nothing_acts_short_of_an_approval(record: Record) -> Iterator[str]:
    """Before the first step so many different people said yes to what the flag had then, and nobody said no since."""
    for act in acts_of(record):
        for gate in act.gates("APPROVAL") if act.step == 1 else ():
            own = () if gate.get("allow_requester") else (act.story.row["added_by"],)
            people = {yes["owner_id"] for yes in _counting(act)} - {*own}
            if len(people) < gate["approvals"]:
                yield f"{act.name} with {len(people)} of {gate['approvals']} approvals"


def each_yes_is_told_once(record: Record) -> Iterator[str]:
    """Every approval has one audit entry, and has lapsed just where one that says no came after it on the same visit."""
    for story in record.stories:
        told = [(entry["at"], entry["after"]["binds"]) for entry in story.audit if entry["event"] == "release.approved"]
        if told != [(yes["at"], yes["binds"]) for yes in story.approvals]:
            yield f"the audit log tells {told}, the approvals are {story.approvals}"
        noes = [entry["at"] for entry in story.audit if entry["event"] == "release.rejected"]
        if any(yes["lapsed_at"] not in (None, *noes) for yes in story.approvals):
            yield f"nobody said no, and these lapsed: {story.approvals}"


def each_guard_is_told_once(record: Record) -> Iterator[str]:
    """Stops and freezes are as the audit log tells, neither more nor fewer."""
    told = {event: [entry["after"] or entry["before"] for entry in record.audit if entry["event"] == event] for event in _GUARDS}
    gone = [freeze["id"] for freeze in told["freeze.deleted"]]
    tells = (
        [stop["id"] for stop in told["stop.placed"]],
        sorted(stop["id"] for stop in told["stop.lifted"]),
        [freeze["id"] for freeze in told["freeze.created"] if freeze["id"] not in gone],
    )
    are = (
        [stop["id"] for stop in record.stops],
        sorted(stop["id"] for stop in record.stops if stop["lifted_at"]),
        [freeze["id"] for freeze in record.freezes],
    )
    if tells != are:
        yield f"the audit log tells of {tells}, there are {are}"


def only_what_runs_is_held(record: Record) -> Iterator[str]:
    """Nothing that is paused, blocked or over waits for a gate, and what a gate holds says until when as it acts next."""
    for row in (story.row for story in record.stories if story.row["held"]):
        until = row["held"]["until"]
        if row["status"] != "running" or (until and _at(until)) != (row["acts_at"] and _at(row["acts_at"])):
            yield f"{row['status']}, acts at {row['acts_at']}, held by {row['held']}"


_GUARDS = ("stop.placed", "stop.lifted", "freeze.created", "freeze.deleted")


def _counting(act: Act) -> list[Row]:
    """The approvals of its visit that are for what the flag had when it acted, and after which nobody said no."""
    own = [(number, entry) for number, entry in enumerate(act.before) if entry["release"] == act.told["release"]]
    noes = [number for number, entry in own if entry["event"] == "release.rejected"]
    told = [number for number, entry in own if entry["event"] == "release.approved"]
    yeses = [(number, yes) for number, yes in zip(told, act.story.approvals, strict=False) if yes["visit"] == act.visit]
    return [yes for number, yes in yeses if number > max(noes, default=-1) and not _has_changed(act, act.before[number:])]


def _has_changed(act: Act, since: list[Row]) -> bool:
    """Whether the fields that the stage changed were different before these entries: told backwards from what it found."""
    if act.told["event"] == "stage.hold_ended":
        return False
    found: Known = paths_of(act.told["before"])
    was = dict(found)
    place = [act.told[field] for field in ("feature", "environment")]
    for entry in reversed(since):
        if entry["event"] in CHANGES and [entry[field] for field in ("feature", "environment")] == place:
            earlier = paths_of(entry["before"])
            gone = [path for path in found if earlier.get(path.partition("/")[0]) is False and "/" in path]
            was |= {path: earlier[path] for path in found if path in earlier} | dict.fromkeys(gone, GONE)
    return was != found


def _is_open(window: Row, at: datetime) -> bool:
    """Minutes of the week, counted round."""
    wall = at.astimezone(ZoneInfo(window["timezone"]))
    now = wall.weekday() * DAY + wall.hour * 60 + wall.minute
    spans = [(DAYS.index(day) * DAY + _minutes(each["start"]), each) for each in window["ranges"] for day in each["days"]]
    return any((now - start) % (7 * DAY) < (_minutes(each["end"]) - _minutes(each["start"])) % DAY for start, each in spans)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _is_past(moment: str | None, act: Act) -> bool:
    return moment is not None and _at(moment) <= _at(act.told["at"])


def _at(moment: str) -> datetime:
    at = datetime.fromisoformat(moment)
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # As the database keeps it.
