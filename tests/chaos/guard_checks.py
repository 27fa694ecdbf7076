"""Checks of guardrails in what a run leaves behind, by the source's own knowledge of when a flag turned bad."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.chaos.evidence import Evidence
from tests.workflows.state_machine.guard_invariants import BEHIND, LOOK_LASTS, guardrails_of
from tests.workflows.state_machine.record import ReleaseRecord, Row

MINUTE = timedelta(minutes=1)
IN_FLIGHT = LOOK_LASTS + timedelta(seconds=2)
"""A change is made at the time at which its attempt has its locks. Its look at the sources ended up to `LOOK_LASTS` before."""

PASS = 0
BY_PEOPLE = ("removed", "rolled_back")


def bad_flags_are_rolled_back(evidence: Evidence) -> Iterator[str]:
    """A flag that turned bad while a guardrail was in force is rolled back, unless people ended its release first."""
    for story in evidence.record.releases:
        bad_at = evidence.bad_at.get(_feature(story))
        for run in story.runs:
            if bad_at and _rolls_back(story, run) and _left(story, run) > bad_at + IN_FLIGHT and story.row["status"] not in BY_PEOPLE:
                yield f"{story.row['id']} is {story.row['status']}, and was in '{run['stage']}' when its flag turned bad at {bad_at}"


def nothing_changes_after_a_breach(evidence: Evidence) -> Iterator[str]:
    """After the breach of a guardrail that rolls back, only its rollback changes the flag."""
    for story in evidence.record.releases:
        breached = False
        undone = {change["key"] for change in story.put_back}
        for entry in story.audit:
            if entry["event"] == "guardrail.breached":
                breached |= not entry["after"]["shadow"] and entry["after"]["consequence"] == "roll back"
            elif breached and entry["event"] in ("flag.changed", "stage.unchanged", "stage.hold_ended") and entry["stage"] is not None:
                yield f"{entry['event']} in '{entry['stage']}' of {story.row['id']} after its breach; it undid {undone}"


def guarded_changes_have_a_passing_sample(evidence: Evidence) -> Iterator[str]:
    """Each change of a guarded stage has a passing sample from within `LOOK_LASTS` before it, or its newest one in a minute passes."""
    for story in evidence.record.releases:
        for change in story.changes:
            run = story.runs[change["visit"] - 1]
            for guardrail in _enforcing(story, run):
                made_at = _at(change["made_at"])
                samples = [each for each in _samples(story, run, guardrail) if made_at - MINUTE <= each[0] <= made_at + BEHIND]
                could_rely = [when for when, outcome in samples if outcome == PASS and when >= made_at - LOOK_LASTS]
                if not (could_rely or (samples and samples[-1][1] == PASS)):
                    yield f"{change['key']} was made at {made_at} after {samples} of '{guardrail['name']}'"


def shadows_change_nothing(evidence: Evidence) -> Iterator[str]:
    """A guardrail that is in shadow, or only tells people, neither rolls back nor pauses."""
    for story in evidence.record.releases:
        names = {each["name"] for each in story.guardrails if each["shadow"] or each["on_breach"] == "notify"}
        requested = (story.row["rollback"] or {}).get("guardrail")
        paused = [entry["at"] for entry in story.audit if entry["event"] == "release.paused" and entry["actor_kind"] == "release"]
        if requested in names or (paused and {each["name"] for each in story.guardrails} == names):
            yield f"{story.row['id']} was rolled back by '{requested}', or paused at {paused}"


def _feature(story: ReleaseRecord) -> str:
    return str(next(entry["feature"] for entry in story.audit if entry["event"] == "release.added"))


def _enforcing(story: ReleaseRecord, run: Row) -> list[Row]:
    return [each for each in guardrails_of(story, run["stage"]) if each["on_breach"] == "rollback" and not each["shadow"]]


def _rolls_back(story: ReleaseRecord, run: Row) -> bool:
    return bool(_enforcing(story, run))


def _left(story: ReleaseRecord, run: Row) -> datetime:
    """Return when the release left the stage. One that did not has never left it."""
    if run["outcome"] in ("acted", "unchanged", "held") and run["acted_at"]:
        return _at(run["acted_at"])
    return datetime.max.replace(tzinfo=UTC)


def _samples(story: ReleaseRecord, run: Row, guardrail: Row) -> list[tuple[datetime, int]]:
    key = (run["visit"], f"guardrail:{guardrail['name']}")
    watches = [watch for watch in story.watches if (watch["visit"], watch["key"]) == key]
    return [(datetime.fromtimestamp(each["at"] / 1000, UTC), each["outcome"]) for watch in watches for each in watch["samples"]]


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)
