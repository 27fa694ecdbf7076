"""Invariants of the record. Each check yields the violations that it finds."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.workflows.state_machine.allocation_invariants import (
    nobody_moves_from_a_variant_that_keeps_its_share,
    shares_are_where_they_say,
)
from tests.workflows.state_machine.experiment_invariants import OF_EXPERIMENTS
from tests.workflows.state_machine.flag_history import flags_match_their_changes
from tests.workflows.state_machine.gate_invariants import (
    each_approval_has_one_audit_entry,
    nothing_acts_in_a_freeze,
    nothing_acts_outside_its_window,
    nothing_acts_under_a_stop,
    nothing_acts_without_its_approvals,
    only_running_releases_are_held_back,
    stops_and_freezes_match_the_audit_log,
)
from tests.workflows.state_machine.guard_invariants import OF_GUARDRAILS
from tests.workflows.state_machine.record import CHANGES, Record, ReleaseRecord, Row, end_in, is_last, returned_to, rollout_of, steps_of
from tests.workflows.state_machine.rollback_invariants import (
    each_rollback_change_has_one_audit_entry,
    rollbacks_restore_earlier_values,
    undone_visits_are_rolled_back,
)

ACTED = ("acted", "unchanged")
DONE = (*ACTED, "held", "skipped")
LAST_OUTCOMES = {
    "starting": ("pending",),
    "running": ("pending",),
    "paused": ("pending",),
    "blocked": ("blocked",),
    "completed": DONE,
    "removed": ("removed",),
    "terminated": ("removed",),
    "rolling_back": ("pending", "blocked", "removed", *DONE),
    "rolled_back": ("rolled_back", "removed", *DONE),
}
AT_A_STEP = ("starting", "running", "paused", "blocked")
_END = ("release.removed", "release.terminated")
_LEAVE = ("stage.skipped", "release.restarted", "release.rolling_back", *_END)
MAY_FOLLOW = {
    "release.paused": ("release.resumed", *_LEAVE),
    "release.blocked": ("release.retried", *_LEAVE),
    "release.rolling_back": ("release.rolled_back", "release.not_rolled_back", "release.blocked", *_END),
    "release.rolled_back": ("release.resumed", *_LEAVE),
}
_PAUSING = ("release.paused", "release.rolled_back")
CUTTING_SHORT = {"release.advanced", "release.retried"}


def each_change_has_one_audit_entry(release: ReleaseRecord) -> Iterator[str]:
    """Every change has one audit entry with the same before and after, at its place in the sequence of writes."""
    fields = ("stage", "environment", "before", "after")
    entries = [
        (number, e["event"], e["at"], *(e[f] for f in fields)) for number, e in enumerate(release.writes, 1) if e["event"] in CHANGES
    ]
    made = [(c["sequence"], CHANGES[c["before"] == c["after"]], c["made_at"], *(c[f] for f in fields)) for c in release.changes]
    if entries != made:
        yield f"the audit log has {entries}, the changes are {made}"


def each_write_has_one_audit_entry(release: ReleaseRecord) -> Iterator[str]:
    """The sequence counts exactly the writes in the audit log."""
    if release.row["sequence"] != len(release.writes):
        yield f"sequence {release.row['sequence']} after {[entry['event'] for entry in release.writes]}"


def each_step_is_made_once(release: ReleaseRecord) -> Iterator[str]:
    """The changes of a visit are its steps, in order and without a gap, with matching keys. The row names the next step."""
    for visit in range(1, release.row["visit"] + 1):
        made = [(change["key"], change["step"]) for change in release.changes_on(visit)]
        if made != [(f"{release.row['id']}/{visit}/{step}", step) for step in range(1, len(made) + 1)]:
            yield f"visit {visit} made {made}"
    if release.row["status"] in AT_A_STEP and release.row["step"] != len(release.changes_on(release.row["visit"])) + 1:
        yield f"the row is at step {release.row['step']}, its visit made {release.changes_on(release.row['visit'])}"


def visits_are_complete(release: ReleaseRecord) -> Iterator[str]:
    """Visits are numbered without a gap, and the last one is in the row's stage."""
    if [run["visit"] for run in release.runs] != list(range(1, release.row["visit"] + 1)):
        yield f"visits {[run['visit'] for run in release.runs]}, the row is on {release.row['visit']}"
    elif any(release.runs[-1][field] != release.row[field] for field in ("stage_index", "stage")):
        yield f"the last visit is to {release.runs[-1]['stage']}, the row is in {release.row['stage']}"


def stages_follow_one_another(release: ReleaseRecord) -> Iterator[str]:
    """From one visit to the next a release moves one stage forward, or to the stage of a restart or rollback."""
    restarts = [entry["after"]["stage"] for entry in release.audit if entry["event"] == "release.restarted"]
    returns = [to_stage for entry in release.audit if (to_stage := returned_to(entry))]
    for earlier, later in pairwise(release.runs):
        events = release.writes_on(earlier["visit"])
        if "release.restarted" in events:
            if later["stage"] != restarts.pop(0) or later["stage_index"] > earlier["stage_index"]:
                yield f"restarted from {earlier['stage']} into {later['stage']}"
        elif "release.rolled_back" in events:
            after = release.stages[later["stage_index"] - 1]["name"]
            if after != returns.pop(0) or later["stage_index"] > earlier["stage_index"]:
                yield f"rolled back from {earlier['stage']} into {later['stage']}"
        elif later["stage_index"] != earlier["stage_index"] + 1:
            yield f"from {earlier['stage']} to {later['stage']}"


def outcomes_fit_the_status(release: ReleaseRecord) -> Iterator[str]:
    """Visits before the last one are done or rolled back. The outcome of the last one fits the status of the release."""
    outcomes = [run["outcome"] for run in release.runs]
    if any(outcome not in (*DONE, "rolled_back") for outcome in outcomes[:-1]) or outcomes[-1] not in LAST_OUTCOMES[release.row["status"]]:
        yield f"outcomes {outcomes} of a release that is {release.row['status']}"


def outcomes_fit_the_changes(release: ReleaseRecord) -> Iterator[str]:
    """A visit acted if it made all steps and changed something, and is unchanged if it changed nothing. Only a hold is held."""
    for run in release.runs:
        made, steps = release.changes_on(run["visit"]), steps_of(release.stage_of(run))
        changed = any(change["before"] != change["after"] for change in made)
        is_done = bool(made) and is_last(made[-1], release.stage_of(run)) and len(made) <= steps
        fits = {"acted": changed and is_done, "unchanged": not changed and is_done, "held": steps == 0}
        if run["outcome"] != "rolled_back" and not fits.get(run["outcome"], not is_done):
            yield f"visit {run['visit']} is {run['outcome']} after {len(made)} of {steps} steps"


def nothing_follows_the_end(release: ReleaseRecord) -> Iterator[str]:
    """Nothing follows the end except a rollback, and the row has the same status and end."""
    ended: str | None = None
    before: str | None = None
    for entry in release.audit:
        if ended and entry["event"] != "release.rolling_back":
            yield f"{entry['event']} of a release that was {ended}"
        if entry["event"] == "release.rolling_back":
            before, ended = ended, None
        else:
            ended = before if entry["event"] == "release.not_rolled_back" else end_in(entry)
    if ended != (release.row["status"] if release.row["ended_at"] else None):
        yield f"{release.row['status']}, ended at {release.row['ended_at']}; by the audit log it was {ended}"


def paused_and_blocked_releases_do_nothing(release: ReleaseRecord) -> Iterator[str]:
    """A paused or blocked release does nothing until a person decides."""
    for earlier, later in pairwise(release.writes):
        allowed = MAY_FOLLOW.get(earlier["event"])
        overtaken = earlier["event"] == later["event"] == "release.blocked" and later["after"]["code"] == "superseded"
        rejected = earlier["event"] in _PAUSING and later["event"] == "release.blocked" and later["after"]["code"] == "rejected"
        if allowed and later["event"] not in allowed and not (overtaken or rejected):
            yield f"{later['event']} after {earlier['event']}"


def row_explains_the_status(release: ReleaseRecord) -> Iterator[str]:
    """Only a blocked release has a reason, only a paused one the rest of its wait, and only a running one a time at which it acts."""
    row = release.row
    says = {
        "blocked": row["blocked"],
        "paused": row["paused"],
        "running": None if row["status"] == "rolling_back" else row["acts_at"] or row["held"],
    }
    wrong = [status for status, value in says.items() if (value is not None) != (row["status"] == status)]
    if wrong:
        yield f"{row['status']}, but {says}"


def nothing_acts_early(release: ReleaseRecord) -> Iterator[str]:
    """A stage acts no earlier than its row says, and after its whole wait unless a person advanced or retried it."""
    for run in release.runs:
        if run["outcome"] in (*ACTED, "held"):
            due = _due(release.stage_of(run)["trigger"], release.row["parameters"], run["entered_at"])
            was_cut_short = CUTTING_SHORT & set(release.writes_on(run["visit"]))
            acted_at = run["acted_at"] or ""  # A visit without a time sorts first, and is found.
            if acted_at < run["acts_at"] or (not was_cut_short and _at(acted_at) < due):
                yield f"visit {run['visit']}, entered at {run['entered_at']} and due at {run['acts_at']}, acted at {run['acted_at']}"


def no_step_is_early(release: ReleaseRecord) -> Iterator[str]:
    """A step is made no earlier than one interval after the previous step, unless a person advanced or retried it."""
    for run in release.runs:
        rollout = rollout_of(release.stage_of(run))
        if rollout and not CUTTING_SHORT & set(release.writes_on(run["visit"])):
            for earlier, later in pairwise(release.changes_on(run["visit"])):
                if _at(later["made_at"]) - _at(earlier["made_at"]) < _duration(rollout["every"]):
                    yield f"steps made at {earlier['made_at']} and {later['made_at']}"


def feature_is_in_one_release(record: Record) -> Iterator[str]:
    """At most one release of a feature is unfinished."""
    unfinished = [release.row["feature_id"] for release in record.releases if release.row["ended_at"] is None]
    if len(unfinished) != len(set(unfinished)):
        yield f"unfinished: {unfinished}"


OF_A_RELEASE: tuple[Callable[[ReleaseRecord], Iterator[str]], ...] = (
    each_change_has_one_audit_entry,
    each_write_has_one_audit_entry,
    each_step_is_made_once,
    visits_are_complete,
    stages_follow_one_another,
    outcomes_fit_the_status,
    outcomes_fit_the_changes,
    nothing_follows_the_end,
    paused_and_blocked_releases_do_nothing,
    row_explains_the_status,
    nothing_acts_early,
    no_step_is_early,
    each_rollback_change_has_one_audit_entry,
    rollbacks_restore_earlier_values,
    undone_visits_are_rolled_back,
)
OF_THE_RECORD: tuple[Callable[[Record], Iterator[str]], ...] = (
    feature_is_in_one_release,
    flags_match_their_changes,
    shares_are_where_they_say,
    nobody_moves_from_a_variant_that_keeps_its_share,
    nothing_acts_under_a_stop,
    nothing_acts_in_a_freeze,
    nothing_acts_outside_its_window,
    nothing_acts_without_its_approvals,
    each_approval_has_one_audit_entry,
    stops_and_freezes_match_the_audit_log,
    only_running_releases_are_held_back,
    *OF_GUARDRAILS,
    *OF_EXPERIMENTS,
)


def violations(record: Record) -> list[str]:
    """Return all violations in the record, each with the name of its check."""
    of_releases = [f"{check.__name__}: {wrong}" for release in record.releases for check in OF_A_RELEASE for wrong in check(release)]
    return of_releases + [f"{check.__name__}: {wrong}" for check in OF_THE_RECORD for wrong in check(record)]


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _due(trigger: Row, parameters: Row, entered_at: str) -> datetime:
    """Return when a stage is due if its wait is not cut short."""
    match trigger["type"]:
        case "ON_ENTER":
            return _at(entered_at)
        case "WAIT_FOR":
            return _at(entered_at) + _duration(trigger["duration"])
        case "WAIT_UNTIL":
            at = _at(parameters[trigger["at_from"]["parameter"]])
            return at.astimezone(UTC).replace(tzinfo=None)  # As in the database.
        case unknown:
            raise AssertionError(f"unknown trigger {unknown}")


def _duration(text: str) -> timedelta:
    """Parse a duration of hours, minutes and seconds, the only ones in these tests."""
    amounts = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text)
    assert amounts, text
    hours, minutes, seconds = (int(amount or 0) for amount in amounts.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
