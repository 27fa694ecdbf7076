"""What must hold of the record at any instant, whatever was done. Each check yields what it finds wrong."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.workflows.state_machine.flag_history import flags_are_what_was_done
from tests.workflows.state_machine.promises_of_gates import (
    each_guard_is_told_once,
    each_yes_is_told_once,
    nothing_acts_in_a_freeze,
    nothing_acts_outside_its_window,
    nothing_acts_short_of_an_approval,
    nothing_acts_under_a_stop,
    only_what_runs_is_held,
)
from tests.workflows.state_machine.promises_of_rollbacks import (
    each_put_back_is_told_once,
    only_what_was_changed_is_put_back,
    what_is_undone_says_so,
)
from tests.workflows.state_machine.record import CHANGES, Record, Row, Story, end_in, returned_to, rollout_of, steps_of

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
HURRIED = {"release.advanced", "release.retried"}


def each_change_is_told_once(story: Story) -> Iterator[str]:
    """Every change has one audit entry with the same before and after, at its place in the sequence of writes."""
    fields = ("stage", "environment", "before", "after")
    told = [(number, e["event"], e["at"], *(e[f] for f in fields)) for number, e in enumerate(story.writes, 1) if e["event"] in CHANGES]
    made = [(c["sequence"], CHANGES[c["before"] == c["after"]], c["made_at"], *(c[f] for f in fields)) for c in story.changes]
    if told != made:
        yield f"the audit log tells {told}, the changes are {made}"


def each_write_is_told_once(story: Story) -> Iterator[str]:
    """The sequence counts exactly what the audit log tells."""
    if story.row["sequence"] != len(story.writes):
        yield f"sequence {story.row['sequence']} after {[entry['event'] for entry in story.writes]}"


def each_step_is_made_once(story: Story) -> Iterator[str]:
    """The changes of a visit are its steps, in order and without a gap; their keys say so; the row names the step that comes next."""
    for visit in range(1, story.row["visit"] + 1):
        made = [(change["key"], change["step"]) for change in story.changes_on(visit)]
        if made != [(f"{story.row['id']}/{visit}/{step}", step) for step in range(1, len(made) + 1)]:
            yield f"visit {visit} made {made}"
    if story.row["status"] in AT_A_STEP and story.row["step"] != len(story.changes_on(story.row["visit"])) + 1:
        yield f"the row is at step {story.row['step']}, its visit made {story.changes_on(story.row['visit'])}"


def visits_are_whole(story: Story) -> Iterator[str]:
    """Visits are numbered without a gap, and the last one is where the row says that the release stands."""
    if [run["visit"] for run in story.runs] != list(range(1, story.row["visit"] + 1)):
        yield f"visits {[run['visit'] for run in story.runs]}, the row is on {story.row['visit']}"
    elif any(story.runs[-1][field] != story.row[field] for field in ("stage_index", "stage")):
        yield f"the last visit is to {story.runs[-1]['stage']}, the row is in {story.row['stage']}"


def stages_follow_one_another(story: Story) -> Iterator[str]:
    """From one visit to the next a release goes one stage on, or back to where a person restarted it or rolled it back to."""
    restarts = [entry["after"]["stage"] for entry in story.audit if entry["event"] == "release.restarted"]
    returns = [to_stage for entry in story.audit if (to_stage := returned_to(entry))]
    for earlier, later in pairwise(story.runs):
        events = story.writes_on(earlier["visit"])
        if "release.restarted" in events:
            if later["stage"] != restarts.pop(0) or later["stage_index"] > earlier["stage_index"]:
                yield f"restarted from {earlier['stage']} into {later['stage']}"
        elif "release.rolled_back" in events:
            after = story.stages[later["stage_index"] - 1]["name"]
            if after != returns.pop(0) or later["stage_index"] > earlier["stage_index"]:
                yield f"rolled back from {earlier['stage']} into {later['stage']}"
        elif later["stage_index"] != earlier["stage_index"] + 1:
            yield f"from {earlier['stage']} to {later['stage']}"


def outcomes_fit_the_status(story: Story) -> Iterator[str]:
    """Visits before the last are done or rolled back; the last one is as the release is."""
    outcomes = [run["outcome"] for run in story.runs]
    if any(outcome not in (*DONE, "rolled_back") for outcome in outcomes[:-1]) or outcomes[-1] not in LAST_OUTCOMES[story.row["status"]]:
        yield f"outcomes {outcomes} of a release that is {story.row['status']}"


def outcomes_fit_the_changes(story: Story) -> Iterator[str]:
    """A visit acted if all its steps are made and one changed something, was unchanged if none did; a hold alone is held."""
    for run in story.runs:
        made, steps = story.changes_on(run["visit"]), steps_of(story.stage_of(run))
        changed = any(change["before"] != change["after"] for change in made)
        fits = {"acted": changed and len(made) == steps, "unchanged": not changed and len(made) == steps > 0, "held": steps == 0}
        if run["outcome"] != "rolled_back" and not fits.get(run["outcome"], len(made) < max(steps, 1)):
            yield f"visit {run['visit']} is {run['outcome']} after {len(made)} of {steps} steps"


def nothing_follows_the_end(story: Story) -> Iterator[str]:
    """The end is the last thing that is told, but for a rollback of what has ended; the row's status and time say the same."""
    ended: str | None = None
    before: str | None = None
    for entry in story.audit:
        if ended and entry["event"] != "release.rolling_back":
            yield f"{entry['event']} of a release that was {ended}"
        if entry["event"] == "release.rolling_back":
            before, ended = ended, None
        else:
            ended = before if entry["event"] == "release.not_rolled_back" else end_in(entry)
    if ended != (story.row["status"] if story.row["ended_at"] else None):
        yield f"{story.row['status']}, ended at {story.row['ended_at']}; the audit log tells that it was {ended}"


def nothing_is_done_while_it_stands_still(story: Story) -> Iterator[str]:
    """What is paused or blocked does nothing until a person decides."""
    for earlier, later in pairwise(story.writes):
        allowed = MAY_FOLLOW.get(earlier["event"])
        overtaken = earlier["event"] == later["event"] == "release.blocked" and later["after"]["code"] == "superseded"
        rejected = earlier["event"] in _PAUSING and later["event"] == "release.blocked" and later["after"]["code"] == "rejected"
        if allowed and later["event"] not in allowed and not (overtaken or rejected):
            yield f"{later['event']} after {earlier['event']}"


def the_row_says_why_it_stands_still(story: Story) -> Iterator[str]:
    """Only a blocked release has a reason, only a paused one what is left of its wait, only a running one a time at which it acts."""
    row = story.row
    says = {
        "blocked": row["blocked"],
        "paused": row["paused"],
        "running": None if row["status"] == "rolling_back" else row["acts_at"] or row["held"],
    }
    wrong = [status for status, value in says.items() if (value is not None) != (row["status"] == status)]
    if wrong:
        yield f"{row['status']}, but {says}"


def nothing_acts_before_it_is_due(story: Story) -> Iterator[str]:
    """A stage acts when its row says so or later, and after its whole wait unless a person cut that short."""
    for run in story.runs:
        if run["outcome"] in (*ACTED, "held"):
            due = _due(story.stage_of(run)["trigger"], story.row["parameters"], run["entered_at"])
            hurried = HURRIED & set(story.writes_on(run["visit"]))
            acted_at = run["acted_at"] or ""  # One that never acted comes before everything.
            if acted_at < run["acts_at"] or (not hurried and _at(acted_at) < due):
                yield f"visit {run['visit']}, entered at {run['entered_at']} and due at {run['acts_at']}, acted at {run['acted_at']}"


def no_step_leaps(story: Story) -> Iterator[str]:
    """A step is made so long after the one before was, unless a person cut that short."""
    for run in story.runs:
        rollout = rollout_of(story.stage_of(run))
        if rollout and not HURRIED & set(story.writes_on(run["visit"])):
            for earlier, later in pairwise(story.changes_on(run["visit"])):
                if _at(later["made_at"]) - _at(earlier["made_at"]) < _duration(rollout["every"]):
                    yield f"steps made at {earlier['made_at']} and {later['made_at']}"


def a_feature_is_in_one_release(record: Record) -> Iterator[str]:
    """At most one release of a feature is unfinished."""
    unfinished = [story.row["feature_id"] for story in record.stories if story.row["ended_at"] is None]
    if len(unfinished) != len(set(unfinished)):
        yield f"unfinished: {unfinished}"


OF_A_RELEASE: tuple[Callable[[Story], Iterator[str]], ...] = (
    each_change_is_told_once,
    each_write_is_told_once,
    each_step_is_made_once,
    visits_are_whole,
    stages_follow_one_another,
    outcomes_fit_the_status,
    outcomes_fit_the_changes,
    nothing_follows_the_end,
    nothing_is_done_while_it_stands_still,
    the_row_says_why_it_stands_still,
    nothing_acts_before_it_is_due,
    no_step_leaps,
    each_put_back_is_told_once,
    only_what_was_changed_is_put_back,
    what_is_undone_says_so,
)
OF_THE_RECORD: tuple[Callable[[Record], Iterator[str]], ...] = (
    a_feature_is_in_one_release,
    flags_are_what_was_done,
    nothing_acts_under_a_stop,
    nothing_acts_in_a_freeze,
    nothing_acts_outside_its_window,
    nothing_acts_short_of_an_approval,
    each_yes_is_told_once,
    each_guard_is_told_once,
    only_what_runs_is_held,
)


def broken_promises(record: Record) -> list[str]:
    """Everything that is wrong with the record, each with the name of the check that found it."""
    of_releases = [f"{check.__name__}: {wrong}" for story in record.stories for check in OF_A_RELEASE for wrong in check(story)]
    return of_releases + [f"{check.__name__}: {wrong}" for check in OF_THE_RECORD for wrong in check(record)]


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _due(trigger: Row, parameters: Row, entered_at: str) -> datetime:
    """When a stage is due of whose wait nothing is cut short."""
    match trigger["type"]:
        case "ON_ENTER":
            return _at(entered_at)
        case "WAIT_FOR":
            return _at(entered_at) + _duration(trigger["duration"])
        case "WAIT_UNTIL":
            at = _at(parameters[trigger["at_from"]["parameter"]])
            return at.astimezone(UTC).replace(tzinfo=None)  # As the database keeps it.
        case unknown:
            raise ValueError(f"a stage has the trigger {unknown}, for which this check has no rule")


def _duration(text: str) -> timedelta:
    """The durations of these tests are hours, minutes and seconds."""
    amounts = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text)
    assert amounts, text
    hours, minutes, seconds = (int(amount or 0) for amount in amounts.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
