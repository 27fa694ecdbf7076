"""Invariants of guardrails and of gates that sample something, by the stored samples."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.workflows.state_machine.gate_invariants import Act, acts_of
from tests.workflows.state_machine.record import Record, ReleaseRecord, Row

PASS, FAIL, UNKNOWN = range(3)
"""The numbers of the outcomes in the database. Written by hand on purpose."""

FRESH = timedelta(minutes=1)
CLOCKS = timedelta(seconds=15)
MISSED = 3
LOOK_LASTS = timedelta(seconds=10)
"""The time for which an attempt may wait, for example for the database, between its look at the sources and its change."""

BEHIND = timedelta(seconds=1)
"""The time by which the clock of an attempt may be behind that of a watch in another worker."""

_NOT_RUNNING = (
    "release.paused",
    "release.blocked",
    "release.rolling_back",
    "release.rolled_back",
    *("release.removed", "release.terminated"),
)


def nothing_acts_unless_its_guardrails_pass(record: Record) -> Iterator[str]:
    """Whenever a stage acts, the newest sample of each guardrail that pauses or rolls back is fresh, and passes."""
    for act in acts_of(record):
        for guardrail in guardrails_of(act.release, act.stage["name"]):
            if _enforces(guardrail) and not _passes_now(act, f"guardrail:{guardrail['name']}", record.in_flight):
                yield f"{act.name} without a passing sample of '{guardrail['name']}'"


def nothing_acts_unless_its_metrics_have_passed(record: Record) -> Iterator[str]:
    """Whenever a stage acts, each metric that it waits for passes, and has passed for its whole time without a break."""
    for act in acts_of(record):
        for key, gate in _gates_of(act.stage, "METRIC"):
            since = _passing_since(act, key, _every(gate), record.in_flight)
            if not _passes_now(act, key, record.in_flight) or _at(act.entry["at"]) - since < _duration(gate["passing_for"]):
                yield f"{act.name} before '{gate['metric']}' had passed"


def nothing_acts_unless_its_checks_pass(record: Record) -> Iterator[str]:
    """Whenever a stage acts, the newest answer of each of its checks is fresh, and passes."""
    for act in acts_of(record):
        for key, gate in _gates_of(act.stage, "CHECK"):
            if not _passes_now(act, key, record.in_flight):
                yield f"{act.name} without a passing check of '{gate['source']}'"


def breaches_have_failures_of_their_own(record: Record) -> Iterator[str]:
    """Each breach has enough failed samples in a row since the one before it. One that only tells people also has a passing one."""
    for release in record.releases:
        told = dict[tuple[int, str], datetime]()
        for visit, entry in entries_by_visit(release, "guardrail.breached"):
            guardrail, at = _guardrail(release, entry), _at(entry["at"])
            key = (visit, f"guardrail:{guardrail['name']}")
            samples = [(when, outcome) for when, outcome in _samples(release, *key) if told.get(key, _NEVER) < when <= at]
            must_pass = key in told and not _enforces(guardrail)
            if _longest_row(samples, _every(guardrail)) < guardrail["failures"] or (must_pass and PASS not in dict(samples).values()):
                yield f"'{guardrail['name']}' was breached on visit {visit} at {at}, with the samples {samples}"
            told[key] = max((when for when, _ in samples), default=at)


def breaches_have_their_consequence(record: Record) -> Iterator[str]:
    """A breach has the consequence that the pipeline names, in the same transaction; none if the release is paused or rolled back."""
    for release in record.releases:
        for number, entry in enumerate(release.audit):
            if entry["event"] == "guardrail.breached":
                guardrail = _guardrail(release, entry)
                found, expected = _consequence(release.audit[number + 1 : number + 2], guardrail), _expected(release, number, guardrail)
                if found not in expected:
                    yield f"the breach of '{guardrail['name']}' at {entry['at']} had the consequence {found}, not {expected}"


def guardrails_do_nothing_without_a_breach(record: Record) -> Iterator[str]:
    """A release is paused or rolled back without a person only by the breach of a guardrail that says so."""
    for release in record.releases:
        for before, entry in pairwise(release.audit):
            by_guardrail = entry["event"] in ("release.paused", "release.rolling_back") and entry["actor_kind"] == "release"
            guardrail = _guardrail(release, before) if before["event"] == "guardrail.breached" else None
            if by_guardrail and not (guardrail and _enforces(guardrail) and _consequence([entry], guardrail) == guardrail["on_breach"]):
                yield f"{entry['event']} at {entry['at']} follows {before['event']}"


def rolled_back_flags_are_as_before(record: Record) -> Iterator[str]:
    """If a guardrail rolled a release back wholly, and nobody changed the flag since it was added, the flag is as before."""
    for release in record.releases:
        rollback = release.row["rollback"] or {}
        if release.row["status"] == "rolled_back" and rollback.get("guardrail") and not rollback["undoes_from"]:
            for environment in {change["environment"] for change in release.changes}:
                before, after = _first_and_last(record, release, environment)
                if before != after:
                    yield f"{release.row['id']} was rolled back in {environment} to {after}, not to {before}"


OF_GUARDRAILS: tuple[Callable[[Record], Iterator[str]], ...] = (
    nothing_acts_unless_its_guardrails_pass,
    nothing_acts_unless_its_metrics_have_passed,
    nothing_acts_unless_its_checks_pass,
    breaches_have_failures_of_their_own,
    breaches_have_their_consequence,
    guardrails_do_nothing_without_a_breach,
    rolled_back_flags_are_as_before,
)
_NEVER = datetime.min.replace(tzinfo=UTC)


def guardrails_of(release: ReleaseRecord, stage: str) -> list[Row]:
    """Return the guardrails that are in force in a stage."""
    return [each for each in release.guardrails if stage in each["stages"]]


def entries_by_visit(release: ReleaseRecord, event: str) -> Iterator[tuple[int, Row]]:
    """Yield each audit entry of that event with its visit: that of the next write."""
    visits = {entry["id"]: visit for visit, entry in release.writes_by_visit()}
    for number, entry in enumerate(release.audit):
        if entry["event"] == event:
            following = (visits[later["id"]] for later in release.audit[number:] if later["id"] in visits)
            yield next(following, release.row["visit"]), entry


def _samples(release: ReleaseRecord, visit: int, key: str) -> list[tuple[datetime, int]]:
    watches = [watch for watch in release.watches if (watch["visit"], watch["key"]) == (visit, key)]
    return [(datetime.fromtimestamp(each["at"] / 1000, UTC), each["outcome"]) for watch in watches for each in watch["samples"]]


def _relied_on(act: Act, key: str, in_flight: timedelta) -> list[tuple[datetime, int]]:
    """Return the samples up to the act, or up to the last passing one of those that were in flight."""
    at = _at(act.entry["at"])
    until = [each for each in _samples(act.release, act.visit, key) if each[0] <= at + (in_flight and BEHIND)]
    passing = [when for when, outcome in until if outcome == PASS and when >= at - in_flight]
    return [each for each in until if each[0] <= max(passing, default=at)]


def _passes_now(act: Act, key: str, in_flight: timedelta) -> bool:
    when, outcome = max(_relied_on(act, key, in_flight), default=(_NEVER, UNKNOWN))
    return outcome == PASS and _at(act.entry["at"]) - when <= FRESH


def _passing_since(act: Act, key: str, every: timedelta, in_flight: timedelta) -> datetime:
    """Return when the last row of passing samples without a gap began."""
    since = last = _at(act.entry["at"])
    for when, outcome in reversed(_relied_on(act, key, in_flight)):
        if outcome != PASS or last - when > every * MISSED + CLOCKS:
            break
        since = last = when
    return since


def _longest_row(samples: list[tuple[datetime, int]], every: timedelta) -> int:
    """Return the longest row of failures that lie half an interval apart. Unknown samples neither count nor end it."""
    longest = row = 0
    counted = _NEVER
    for when, outcome in samples:
        if outcome == PASS:
            row = 0
        elif outcome == FAIL and (row == 0 or when - counted >= every / 2 - timedelta(milliseconds=1)):
            row, counted = row + 1, when
        longest = max(longest, row)
    return longest


def _expected(release: ReleaseRecord, number: int, guardrail: Row) -> tuple[str, ...]:
    """Return the possible consequences of the breach in that entry of the audit log."""
    if not _enforces(guardrail):
        return ("nothing",)
    was = [entry["event"] for entry in release.audit[:number] if entry["event"].startswith(("release.", "flag.", "stage."))][-1]
    if guardrail["on_breach"] == "pause":
        return ("nothing",) if was in _NOT_RUNNING else ("pause",)
    return ("nothing",) if was == "release.rolling_back" else ("rollback",)


def _consequence(following: list[Row], guardrail: Row) -> str:
    for entry in following:
        if entry["event"] == "release.paused" and entry["actor_kind"] == "release":
            return "pause"
        if entry["event"] == "release.rolling_back" and entry["after"].get("guardrail") == guardrail["name"]:
            return "rollback"
    return "nothing"


def _first_and_last(record: Record, release: ReleaseRecord, environment: str) -> tuple[Row, Row]:
    """Return the state for everyone before the first change of a release, and after its rollback. Both are empty if a person interfered."""
    feature = next(entry["feature"] for entry in release.audit if entry["event"] == "release.added")
    added = record.audit.index(release.audit[0])
    rolled_back = record.audit.index(next(entry for entry in reversed(release.audit) if entry["event"] == "release.rolled_back"))
    changes = [
        entry
        for entry in record.audit[added:rolled_back]
        if entry["event"] == "flag.changed" and (entry["feature"], entry["environment"]) == (feature, environment)
    ]
    if any(entry["release"] != release.row["id"] for entry in changes):
        return {}, {}
    before, after = dict[str, object](), dict[str, object]()
    for entry in changes:
        for name in {"enabled", "value"} & entry["after"].keys():
            before.setdefault(name, entry["before"][name])
            after[name] = entry["after"][name]
    return before, after


def _gates_of(stage: Row, kind: str) -> Iterator[tuple[str, Row]]:
    for number, gate in enumerate(stage.get("gates", ()), start=1):
        if gate["type"] == kind:
            yield f"gate:{number}", gate


def _guardrail(release: ReleaseRecord, entry: Row) -> Row:
    return next(each for each in release.guardrails if each["name"] == entry["after"]["guardrail"])


def _enforces(guardrail: Row) -> bool:
    return bool(guardrail["on_breach"] != "notify" and not guardrail["shadow"])


def _every(rule: Row) -> timedelta:
    return _duration(rule["every"])


def _duration(text: str) -> timedelta:
    amounts = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    assert amounts, text
    days, hours, minutes, seconds = (int(amount or 0) for amount in amounts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _at(moment: str) -> datetime:
    at = datetime.fromisoformat(moment)
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # As in the database.
