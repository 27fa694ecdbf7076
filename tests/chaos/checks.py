"""Checks of everything that a run leaves behind. Each yields the violations it finds. None imports anything of the product."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tests.chaos.evidence import Evidence, changes_in
from tests.chaos.flag_model import after_step, flag_of, flags_in_the_end
from tests.chaos.guard_checks import (
    bad_flags_are_rolled_back,
    guarded_changes_have_a_passing_sample,
    nothing_changes_after_a_breach,
    shadows_change_nothing,
)
from tests.workflows.state_machine.flag_history import paths_of
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.record import ReleaseRecord, Row

ENDED_BY_PEOPLE = ("removed", "rolled_back")


def record_keeps_its_promises(evidence: Evidence) -> Iterator[str]:
    """The promises of any record: each change once, in order, not too early, none after the end, and audit log and flags agree."""
    yield from violations(evidence.record)


def nothing_is_stuck(evidence: Evidence) -> Iterator[str]:
    """Every release and every workflow has ended, and the outbox is empty."""
    for story in evidence.record.releases:
        if story.row["ended_at"] is None:
            yield f"{story.row['id']} is {story.row['status']} at '{story.row['stage']}'"
    for each in evidence.executions:
        if each.status != "COMPLETED":
            yield f"{each.workflow} is {each.status}"
    if evidence.outbox_entries:
        yield f"{evidence.outbox_entries} outbox entries are left"


def acknowledged_releases_are_recorded(evidence: Evidence) -> Iterator[str]:
    """Exactly the acknowledged releases are recorded, and each ended as it was acknowledged."""
    rows = {story.row["id"]: story.row for story in evidence.record.releases}
    acknowledged, recorded = Counter(each.id for each in evidence.acknowledged), Counter(rows.keys())
    if acknowledged != recorded:
        yield f"acknowledged but not recorded, or twice: {acknowledged - recorded}; recorded only: {recorded - acknowledged}"
    for each in evidence.acknowledged:
        row = rows.get(each.id, {"status": "missing", "rollback": None})
        status, by_guardrail = row["status"], (row["rollback"] or {}).get("guardrail")
        if status not in (*each.expected_statuses, *(["rolled_back"] if by_guardrail else [])):
            yield f"{each.id} is {status}, not {each.expected_statuses}, after {each.answers}"


def releases_run_from_start_to_end(evidence: Evidence) -> Iterator[str]:
    """A release starts at its starting stage, and is completed at its last stage."""
    starting_stages = {each.id: each.planned.starting_stage for each in evidence.acknowledged}
    for story in evidence.record.releases:
        if story.runs[0]["stage"] != starting_stages.get(story.row["id"], story.runs[0]["stage"]):
            yield f"{story.row['id']} started at '{story.runs[0]['stage']}'"
        if story.row["status"] == "completed" and story.runs[-1]["stage"] != story.stages[-1]["name"]:
            yield f"{story.row['id']} was completed at '{story.runs[-1]['stage']}'"


def changes_match_the_pipeline(evidence: Evidence) -> Iterator[str]:
    """Each change is in the environment of its stage, and sets each field that the stage names to the stage's value."""
    for story in evidence.record.releases:
        for change in story.changes:
            stage = story.stage_of(story.runs[change["visit"] - 1])
            expected, after = _named_by(stage, change), paths_of(change["after"])
            wrong = {path: (value, after.get(path)) for path, value in expected.items() if after.get(path) != value}
            if wrong or change["environment"] != stage["environment"]:
                yield f"{change['key']} in {change['environment']} left {wrong}"


def flags_end_as_the_pipelines_say(evidence: Evidence) -> Iterator[str]:
    """Each flag is the result of the stages of its releases, one after another, on its default."""
    expected = flags_in_the_end(evidence.record)
    for flag in evidence.record.flags:
        place, actual = (flag["feature"], flag["environment"]), flag_of(flag["state"] or flag["default_state"])
        if _comparable(actual) != _comparable(expected[place]):
            yield f"{place} is {actual}, not {expected[place]}"


def each_release_has_one_workflow(evidence: Evidence) -> Iterator[str]:
    """Temporal ran one workflow for each release, and no other. A release that ended before it started has none."""
    runs = Counter(each.workflow for each in evidence.executions if each.type == "Release")
    ids = {workflow.split("/")[3]: times for workflow, times in runs.items()}
    for story in evidence.record.releases:
        times, id_ = ids.pop(story.row["id"], 0), story.row["id"]
        never_started = story.row["status"] in ENDED_BY_PEOPLE and not story.changes
        if times != 1 and not (times == 0 and never_started):
            yield f"{id_} ran {times} times"
    if ids:
        yield f"no release has the workflows of {sorted(ids)}"


def temporal_ran_what_is_recorded(evidence: Evidence) -> Iterator[str]:
    """Each change is in Temporal's history once, with its time and sequence.

    It may be missing if it was cancelled while it was under way, or if the workflow learned of it from the record.
    """
    made = Counter((each.key, each.made_at, each.sequence) for run in evidence.executions for each in run.made)
    recorded = Counter((change["key"], _at(change["made_at"]), change["sequence"]) for change in changes_in(evidence.record))
    for change in (made - recorded).elements():
        yield f"{change} is in Temporal's history, and not so in the record"
    may_be_missing = {key for run in evidence.executions for key in run.unanswered} | {
        story.changes[-1]["key"] for story in evidence.record.releases if story.changes and story.row["status"] in ENDED_BY_PEOPLE
    }
    learned = {run.workflow.split("/")[3]: run.learned for run in evidence.executions if run.type == "Release"}
    may_be_missing |= {
        change["key"]
        for story in evidence.record.releases
        for change in story.changes
        if change["sequence"] in learned.get(story.row["id"], ())
    }
    for change in (recorded - made).elements():
        if change[0] not in may_be_missing:
            yield f"{change} is recorded, and not in Temporal's history"


def no_change_is_made_before_its_cause(evidence: Evidence) -> Iterator[str]:
    """By Temporal's clock, a workflow starts or a timer fires, then a change is made, then completed."""
    for run in evidence.executions:
        for each in run.made:
            if not each.caused <= each.made_at <= each.completed:
                yield f"{each.key}: caused {each.caused}, made {each.made_at}, completed {each.completed}"


def pause_does_not_shorten_a_wait(evidence: Evidence) -> Iterator[str]:
    """By Temporal's clock, a paused wait is longer by the time from when the workflow learned of the pause until the resume."""
    paused = {run.workflow.split("/")[3]: run.paused for run in evidence.executions if run.paused}
    for story in evidence.record.releases:
        resumed = next((_at(entry["at"]) for entry in story.audit if entry["event"] == "release.resumed"), None)
        learned = paused.get(story.row["id"])
        if resumed and learned and learned < resumed:
            yield from _too_early(story, learned, resumed)


def no_defect_was_seen(evidence: Evidence) -> Iterator[str]:
    """Every answer was a proper one, and no process ended by itself."""
    yield from evidence.surprises


def no_log_contains_a_key(evidence: Evidence) -> Iterator[str]:
    """No log contains a secret."""
    for name, log in evidence.logs.items():
        yield from (f"the log of {name} contains a key: {key[:6]}…" for key in evidence.keys if key in log)


CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    record_keeps_its_promises,
    nothing_is_stuck,
    acknowledged_releases_are_recorded,
    releases_run_from_start_to_end,
    changes_match_the_pipeline,
    flags_end_as_the_pipelines_say,
    each_release_has_one_workflow,
    temporal_ran_what_is_recorded,
    no_change_is_made_before_its_cause,
    pause_does_not_shorten_a_wait,
    no_defect_was_seen,
    no_log_contains_a_key,
    bad_flags_are_rolled_back,
    nothing_changes_after_a_breach,
    guarded_changes_have_a_passing_sample,
    shadows_change_nothing,
)


def violations_in(evidence: Evidence) -> list[str]:
    """Return every violation, with the name of the check that found it."""
    return [f"{check.__name__}: {violation}" for check in CHECKS for violation in check(evidence)]


def _too_early(story: ReleaseRecord, learned: datetime, resumed: datetime) -> Iterator[str]:
    """Yield the visit that was under way during the pause, if it acted too early afterwards."""
    for run in story.runs:
        wait = re.fullmatch(r"PT(\d+)S", story.stage_of(run)["trigger"].get("duration", ""))
        done = [_at(change["made_at"]) for change in story.changes_on(run["visit"])][:1] or [_at(run["acted_at"] or "9999-12-31")]
        if wait and run["entered_at"] and _at(run["entered_at"]) <= learned and resumed <= done[0]:
            due = _at(run["entered_at"]) + timedelta(seconds=int(wait[1])) + (resumed - learned)
            if done[0] < due:
                yield f"{story.row['id']} was paused from {learned} to {resumed}, due at {due}, and acted at {done[0]}"


def _named_by(stage: Row, change: Row) -> dict[str, object]:
    """Return the value of each path that the step of the stage names, found by applying it to a flag of marks."""
    mark = object()
    segments = {action["segment"] for action in stage["actions"] if "segment" in action}
    after = after_step({"enabled": mark, "value": mark, "rollout": mark, "overrides": {}}, stage["actions"], change["step"])
    named = {field: after[field] for field in ("enabled", "value", "rollout") if after[field] is not mark}
    if change["step"] == 1 and not _has_rollout(stage):
        named.pop("rollout", None)
    for segment in segments & after["overrides"].keys():
        named |= {segment: True} | {f"{segment}/{field}": value for field, value in after["overrides"][segment].items()}
    return named


def _has_rollout(stage: Row) -> bool:
    return any(action["type"] == "PHASED_ROLLOUT" for action in stage["actions"])


def _comparable(flag: Row) -> Row:
    rollout = flag["rollout"] and {field: value for field, value in flag["rollout"].items() if value is not None}
    return {**flag, "rollout": rollout}


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)
