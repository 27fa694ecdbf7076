"""What must hold of everything that a run leaves behind. Each check yields what it finds wrong; none imports anything of the product."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tests.chaos.evidence import Evidence, changes_in
from tests.chaos.flag_model import after_step, flag_of, flags_in_the_end
from tests.workflows.state_machine.flag_history import paths_of
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.record import ReleaseRecord, Row

ENDED_BY_PEOPLE = ("removed", "rolled_back")


def the_record_keeps_what_it_promised(evidence: Evidence) -> Iterator[str]:
    """All that holds of any record: once, in order, not before its time, nothing after the end, audit and changes and flags alike."""
    yield from violations(evidence.record)


def nothing_is_stuck(evidence: Evidence) -> Iterator[str]:
    """Every release has ended, Temporal has nothing left to do, and nothing is left to tell it."""
    for story in evidence.record.releases:
        if story.row["ended_at"] is None:
            yield f"{story.row['id']} is {story.row['status']} at '{story.row['stage']}'"
    for each in evidence.executions:
        if each.status != "COMPLETED":
            yield f"{each.workflow} is {each.status}"
    if evidence.entries:
        yield f"{evidence.entries} entries were not run"


def what_was_told_is_recorded(evidence: Evidence) -> Iterator[str]:
    """There is each release that people were told of, and no other; it ended as they were told."""
    rows = {story.row["id"]: story.row for story in evidence.record.releases}
    told = Counter(each.id for each in evidence.told)
    if told != Counter(rows.keys()):
        yield f"told but not recorded, or twice: {told - Counter(rows.keys())}; recorded but not told: {Counter(rows.keys()) - told}"
    for each in evidence.told:
        status = rows[each.id]["status"] if each.id in rows else "nowhere"
        if status not in each.ends:
            yield f"{each.id} is {status}, and was to be {each.ends} after {each.answers}"


def the_whole_road_was_made(evidence: Evidence) -> Iterator[str]:
    """A release begins where it was wanted, and is completed at its last stage."""
    wanted = {each.id: each.planned.starting_stage for each in evidence.told}
    for story in evidence.record.releases:
        if story.runs[0]["stage"] != wanted.get(story.row["id"], story.runs[0]["stage"]):
            yield f"{story.row['id']} began at '{story.runs[0]['stage']}'"
        if story.row["status"] == "completed" and story.runs[-1]["stage"] != story.stages[-1]["name"]:
            yield f"{story.row['id']} was completed at '{story.runs[-1]['stage']}'"


def changes_are_what_the_pipeline_says(evidence: Evidence) -> Iterator[str]:
    """Each change is in its stage's environment, and leaves each field that its stage names as the stage says."""
    for story in evidence.record.releases:
        for change in story.changes:
            stage = story.stage_of(story.runs[change["visit"] - 1])
            says, left = _said(story, stage, change), paths_of(change["after"])
            wrong = {path: (value, left.get(path)) for path, value in says.items() if left.get(path) != value}
            if wrong or change["environment"] != stage["environment"]:
                yield f"{change['key']} in {change['environment']} left {wrong}"


def flags_end_where_the_pipelines_say(evidence: Evidence) -> Iterator[str]:
    """Each flag is what its releases' stages make of its default, one after another."""
    expected = flags_in_the_end(evidence.record)
    for flag in evidence.record.flags:
        place, is_now = (flag["feature"], flag["environment"]), flag_of(flag["state"] or flag["default_state"])
        if _comparable(is_now) != _comparable(expected[place]):
            yield f"{place} is {is_now}, not {expected[place]}"


def each_release_has_one_workflow(evidence: Evidence) -> Iterator[str]:
    """Temporal ran each release once, and nothing else; one that ended before it could start never ran."""
    runs = Counter(each.workflow for each in evidence.executions if each.type == "Release")
    ids = {workflow.split("/")[3]: times for workflow, times in runs.items()}
    for story in evidence.record.releases:
        times, id_ = ids.pop(story.row["id"], 0), story.row["id"]
        never_started = story.row["status"] in ENDED_BY_PEOPLE and not story.changes
        if times != 1 and not (times == 0 and never_started):
            yield f"{id_} ran {times} times"
    if ids:
        yield f"nobody knows {sorted(ids)}"


def temporal_made_what_is_recorded(evidence: Evidence) -> Iterator[str]:
    """Each change is in Temporal's history once, with its time and place, but for what people called off while it was under way."""
    made = Counter((each.key, each.made_at, each.sequence) for run in evidence.executions for each in run.made)
    recorded = Counter((change["key"], _at(change["made_at"]), change["sequence"]) for change in changes_in(evidence.record))
    for change in (made - recorded).elements():
        yield f"Temporal had {change} made, and it is not recorded so"
    may_be_missing = {key for run in evidence.executions for key in run.unanswered} | {
        story.changes[-1]["key"] for story in evidence.record.releases if story.changes and story.row["status"] in ENDED_BY_PEOPLE
    }
    for change in (recorded - made).elements():
        if change[0] not in may_be_missing:
            yield f"{change} is recorded, and Temporal had nothing such made"


def nothing_is_made_before_temporal_asked(evidence: Evidence) -> Iterator[str]:
    """By Temporal's clock: first a change is due, then asked for, then made, then answered."""
    for run in evidence.executions:
        for each in run.made:
            if not each.due <= each.asked <= each.made_at <= each.answered:
                yield f"{each.key}: due {each.due}, asked for {each.asked}, made {each.made_at}, answered {each.answered}"


def a_pause_takes_nothing_off_a_wait(evidence: Evidence) -> Iterator[str]:
    """By Temporal's clock: what was paused waits as long, besides the time from having looked at the pause until it was resumed."""
    paused = {run.workflow.split("/")[3]: run.paused for run in evidence.executions if run.paused}
    for story in evidence.record.releases:
        resumed = next((_at(entry["at"]) for entry in story.audit if entry["event"] == "release.resumed"), None)
        heard = paused.get(story.row["id"])
        if resumed and heard and heard < resumed:
            yield from _too_soon(story, heard, resumed)


def nobody_met_a_defect(evidence: Evidence) -> Iterator[str]:
    """Whatever was down, people were answered properly, and no process ended by itself."""
    yield from evidence.surprises


def no_log_has_a_key(evidence: Evidence) -> Iterator[str]:
    """No secret is in any log."""
    for name, log in evidence.logs.items():
        yield from (f"{name} wrote a key into its log: {key[:6]}…" for key in evidence.keys if key in log)


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    the_record_keeps_what_it_promised,
    nothing_is_stuck,
    what_was_told_is_recorded,
    the_whole_road_was_made,
    changes_are_what_the_pipeline_says,
    flags_end_where_the_pipelines_say,
    each_release_has_one_workflow,
    temporal_made_what_is_recorded,
    nothing_is_made_before_temporal_asked,
    a_pause_takes_nothing_off_a_wait,
    nobody_met_a_defect,
    no_log_has_a_key,
)


def wrong_with(evidence: Evidence) -> list[str]:
    """Everything that is wrong, each with the name of the check that found it."""
    return [f"{check.__name__}: {wrong}" for check in CHECKS for wrong in check(evidence)]


def _too_soon(story: ReleaseRecord, heard: datetime, resumed: datetime) -> Iterator[str]:
    """A visit that was under way all that time, and the first thing that it did afterwards."""
    for run in story.runs:
        wait = re.fullmatch(r"PT(\d+)S", story.stage_of(run)["trigger"].get("duration", ""))
        done = [_at(change["made_at"]) for change in story.changes_on(run["visit"])][:1] or [_at(run["acted_at"] or "9999-12-31")]
        if wait and run["entered_at"] and _at(run["entered_at"]) <= heard and resumed <= done[0]:
            due = _at(run["entered_at"]) + timedelta(seconds=int(wait[1])) + (resumed - heard)
            if done[0] < due:
                yield f"{story.row['id']} was paused from {heard} to {resumed}, due at {due}, and acted at {done[0]}"


def _said(story: ReleaseRecord, stage: Row, change: Row) -> dict[str, object]:
    """What the stage says of each path that it names, by making its step of two flags that differ everywhere."""
    nothing, else_ = object(), object()
    segments = {action["segment"] for action in stage["actions"] if "segment" in action}
    become = [
        after_step({"enabled": mark, "value": mark, "rollout": mark, "overrides": {}}, stage["actions"], change["step"])
        for mark in (nothing, else_)
    ]
    named = {field: become[0][field] for field in ("enabled", "value", "rollout") if become[0][field] is not nothing}
    named.pop("rollout", None) if change["step"] == 1 and not _grows(stage) else None
    for segment in segments & become[0]["overrides"].keys():
        named |= {segment: True} | {f"{segment}/{field}": value for field, value in become[0]["overrides"][segment].items()}
    return named


def _grows(stage: Row) -> bool:
    return any(action["type"] == "PHASED_ROLLOUT" for action in stage["actions"])


def _comparable(flag: Row) -> Row:
    rollout = flag["rollout"] and {field: value for field, value in flag["rollout"].items() if value is not None}
    return {**flag, "rollout": rollout}


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)
