"""Checks of a run whose flags are in Unleash, against its own events and its final state. None imports anything of the product."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.chaos import checks
from tests.chaos.evidence import Evidence
from tests.chaos.flag_model import Flag, after_step, flag_of
from tests.unleash.histories.documents import Row, Values, environments_of, is_ours, values_in
from tests.workflows.state_machine.flag_history import flags_match_their_changes, paths_of
from tests.workflows.state_machine.invariants import OF_A_RELEASE, OF_THE_RECORD
from tests.workflows.state_machine.record import Record, ReleaseRecord, rollout_of

Place = tuple[str, str, str]
"""A feature, an environment and a path."""

SETTLED = "/settled/"
MEANWHILE = "The release was steered while this change was under way."
BY_CHANGES = {"outcomes_fit_the_changes", "rollbacks_restore_earlier_values", "undone_visits_are_rolled_back"}
"""The checks that count the changes of a visit. A change that was settled is not one of its steps."""


@dataclass(frozen=True)
class UnleashEvidence:
    """The state that a run left behind, with the documents and the events of each feature, newest first, and the id of each segment."""

    evidence: Evidence
    documents: dict[str, Row]
    events: dict[str, list[Row]]
    segments: dict[str, int]


def record_keeps_its_promises(found: UnleashEvidence) -> Iterator[str]:
    """The promises of any record. Changes that were settled have audit entries of their own, without a write."""
    for story in found.evidence.record.releases:
        plain = without_settled(story)
        skipped = BY_CHANGES if len(plain.changes) < len(story.changes) or len(plain.put_back) < len(story.put_back) else set()
        for check in OF_A_RELEASE:
            if check.__name__ not in skipped:
                yield from (f"{check.__name__}: {wrong}" for wrong in check(plain))
    whole = found.evidence.record
    plain_record = replace(whole, releases=[without_settled(each) for each in whole.releases])
    for of_all in OF_THE_RECORD:  # The flags are what all changes made them, also those that were settled.
        record = whole if of_all is flags_match_their_changes else plain_record
        yield from (f"{of_all.__name__}: {wrong}" for wrong in of_all(record))


def run_keeps_its_promises(found: UnleashEvidence) -> Iterator[str]:
    """The promises of any run that don't depend on where flags are."""
    plain = replace(found.evidence.record, releases=[without_settled(each) for each in found.evidence.record.releases])
    for check in _OF_ANY_RUN:
        yield from (f"{check.__name__}: {wrong}" for wrong in check(replace(found.evidence, record=plain)))


def flags_end_as_the_pipelines_say(found: UnleashEvidence) -> Iterator[str]:
    """Each flag in Unleash is the result of the stages of its releases, one after another."""
    expected = _flags_in_the_end(found.evidence.record)
    for feature, document in found.documents.items():
        for environment, place in environments_of(document).items():
            values = _values_of(expected[feature, environment], found.segments)
            actual = {path: value for path, value in values_in(place).items() if value is not None}
            if actual != values:
                yield f"{feature} in {environment} is {actual} in Unleash, not {values}"


def copies_are_current(found: UnleashEvidence) -> Iterator[str]:
    """Our copy of each flag that was released is as the flag is in Unleash."""
    for flag in found.evidence.record.flags:
        state = flag["state"] or flag["default_state"]
        place = environments_of(found.documents[flag["feature"]])[flag["environment"]]
        actual = {path: value for path, value in values_in(place).items() if value is not None}
        if _values_of(flag_of(state), found.segments) != actual:
            yield f"the copy of {flag['feature']} in {flag['environment']} is {state}, not {actual}"


def each_change_happened_once(found: UnleashEvidence) -> Iterator[str]:
    """Each flag became in Unleash, value by value, what the record says, no more and no less."""
    recorded = _recorded(found)
    happened = {place: [value for value, _ in values] for place, values in _happened(found).items()}
    for place in sorted(recorded.keys() | happened.keys()):
        if recorded.get(place, []) != happened.get(place, []):
            yield f"{place} became {happened.get(place, [])} in Unleash, but {recorded.get(place, [])} by the record"


def no_change_is_made_early(found: UnleashEvidence) -> Iterator[str]:
    """By Unleash's clock, no value became what a stage wanted before the stage was due."""
    happened = {place: list(values) for place, values in _happened(found).items()}
    for place, due in _due_times(found):
        if happened.get(place):
            value, at = happened[place].pop(0)
            if due and at < due:
                yield f"{place} became {value} at {at}, but was due at {due}"


def strategies_of_people_stay(found: UnleashEvidence) -> Iterator[str]:
    """Nobody's strategy was changed or deleted, and each feature still has exactly the one that a person made."""
    for feature, events in found.events.items():
        made = {
            each["environment"]: each["data"] for each in events if each["type"] == "feature-strategy-add" and not is_ours(each["data"])
        }
        for each in events:
            if each["type"] in ("feature-strategy-update", "feature-strategy-remove") and not is_ours(each["preData"]):
                yield f"{feature}: {each['type']} of {each['preData']}"
        for environment, place in environments_of(found.documents[feature]).items():
            theirs = [_essence(each) for each in place["strategies"] if not is_ours(each)]
            if theirs != [_essence(made[environment])]:
                yield f"{feature} in {environment} has {theirs}, not {made[environment]}"


def no_intent_is_left(found: UnleashEvidence) -> Iterator[str]:
    """No intended change stays open once its release has ended."""
    if found.evidence.intents:
        yield f"{found.evidence.intents} intended changes are open"


_OF_ANY_RUN: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    checks.nothing_is_stuck,
    checks.acknowledged_releases_are_recorded,
    checks.releases_run_from_start_to_end,
    checks.changes_match_the_pipeline,
    checks.each_release_has_one_workflow,
    checks.temporal_ran_what_is_recorded,
    checks.no_change_is_made_before_its_cause,
    checks.pause_does_not_shorten_a_wait,
    checks.no_defect_was_seen,
    checks.no_log_contains_a_key,
)
CHECKS: tuple[Callable[[UnleashEvidence], Iterator[str]], ...] = (
    record_keeps_its_promises,
    run_keeps_its_promises,
    flags_end_as_the_pipelines_say,
    copies_are_current,
    each_change_happened_once,
    no_change_is_made_early,
    strategies_of_people_stay,
    no_intent_is_left,
)


def violations_elsewhere(found: UnleashEvidence) -> list[str]:
    """Return every violation, with the name of the check that found it."""
    return [f"{check.__name__}: {violation}" for check in CHECKS for violation in check(found)]


def without_settled(story: ReleaseRecord) -> ReleaseRecord:
    """Return a release without the changes that were recorded after it had been steered."""
    changes, put_back = ([each for each in every if SETTLED not in each["key"]] for every in (story.changes, story.put_back))
    return replace(story, changes=changes, put_back=put_back, audit=[each for each in story.audit if each["reason"] != MEANWHILE])


def _flags_in_the_end(record: Record) -> dict[tuple[str, str], Flag]:
    """Return each flag if each release did what its stages say. A change that was settled counts as far as it was made."""
    flags = {(flag["feature"], flag["environment"]): flag_of(flag["default_state"]) for flag in record.flags}
    for story in record.releases:
        for change in _in_order(story) if story.row["status"] != "rolled_back" else ():
            place = (change["feature"], change["environment"])
            if SETTLED in change["key"] or change["undoes_from"] is not None:
                flags[place] = _patched(flags[place], change["after"])
            else:
                stage = story.stage_of(story.runs[change["visit"] - 1])
                flags[place] = after_step(flags[place], stage["actions"], change["step"])
    return flags


def _patched(flag: Flag, after: Row) -> Flag:
    plain: dict[str, Any] = {field: after[field] for field in ("enabled", "rollout") if field in after}
    overrides = {**flag["overrides"], **{key: each and {"enabled": each["enabled"]} for key, each in after.get("overrides", {}).items()}}
    return {**flag, **plain, "overrides": {key: each for key, each in overrides.items() if each}}


def _values_of(flag: Flag, segments: dict[str, int]) -> dict[str, Any]:
    """Return path -> value of everything that a flag serves, and whether it serves everyone."""
    values: dict[str, Any] = {"enabled": flag["enabled"]}
    if flag["rollout"]:
        values["rollout"] = int(flag["rollout"]["percent"])
    return values | {f"segments/{segments[key]}": True for key in flag["overrides"]}


def _in_order(story: ReleaseRecord) -> list[Row]:
    return sorted([*story.changes, *story.put_back], key=lambda each: (each["made_at"], each["sequence"]))


def _recorded(found: UnleashEvidence) -> dict[Place, list[Any]]:
    """Return the values that each path became, by the record."""
    became: dict[Place, list[Any]] = {}
    for _, change, path, value in _changed(found):
        became.setdefault((change["feature"], change["environment"], path), []).append(value)
    return became


def _changed(found: UnleashEvidence) -> Iterator[tuple[ReleaseRecord, Row, str, Any]]:
    """Yield each value that a recorded change changed, in order."""
    for story in found.evidence.record.releases:
        for change in _in_order(story):
            before, after = (_patch_values(change[side], found.segments) for side in ("before", "after"))
            for path in sorted(after):
                if before.get(path) != after[path]:
                    yield story, change, path, after[path]


def _patch_values(patch: Row, segments: dict[str, int]) -> dict[str, Any]:
    paths = paths_of(patch)
    values = {"enabled": paths["enabled"]} if "enabled" in paths else {}
    if "rollout" in paths:
        values["rollout"] = paths["rollout"] and int(paths["rollout"]["percent"])
    return values | {f"segments/{segments[key]}": paths[key] or None for key in segments if key in paths}


def _happened(found: UnleashEvidence) -> dict[Place, list[tuple[Any, datetime]]]:
    """Return the values that each path became in Unleash, and when, by its events after a person made the feature."""
    became: dict[Place, list[tuple[Any, datetime]]] = {}
    for feature, events in found.events.items():
        for environment in environments_of(found.documents[feature]):
            here = sorted((each for each in events if each["environment"] == environment), key=lambda each: int(each["id"]))
            for (before, _), (after, at) in pairwise(_states(here)):
                for path in sorted(before.keys() | after.keys()):
                    if before.get(path) != after.get(path):
                        became.setdefault((feature, environment, path), []).append((after.get(path), at))
    return became


def _states(events: list[Row]) -> Iterator[tuple[Values, datetime]]:
    """Yield the state of a feature after each event, from the moment at which the person who made it had switched it on."""
    place: Row = {"enabled": False, "strategies": {}}
    begun = False
    for each in events:
        match each["type"]:
            case "feature-environment-enabled" | "feature-environment-disabled":
                place["enabled"] = each["type"].endswith("enabled")
            case "feature-strategy-add" | "feature-strategy-update":
                place["strategies"][each["data"]["id"]] = each["data"]
            case "feature-strategy-remove":
                place["strategies"].pop(each["preData"]["id"], None)
            case _:
                continue
        begun = begun or place["enabled"]
        if begun:
            yield values_in({**place, "strategies": list(place["strategies"].values())}), datetime.fromisoformat(each["createdAt"])


def _due_times(found: UnleashEvidence) -> Iterator[tuple[Place, datetime | None]]:
    """Yield for each recorded value when it was due, by the run of its stage.

    The run of a rollout has the time of its last step, and one that was resumed a later time than an attempt before the pause had. Both
    count from when they were entered. Rollbacks, settled changes and later steps of rollouts are due at any time here.
    """
    for story, change, path, _ in _changed(found):
        is_first = change["undoes_from"] is None and change["step"] == 1 and SETTLED not in change["key"]
        run = story.runs[change["visit"] - 1]
        was_moved = rollout_of(story.stage_of(run)) or "release.resumed" in story.writes_on(run["visit"])
        due = run["entered_at" if was_moved else "acts_at"] if is_first else None
        yield (change["feature"], change["environment"], path), _at(due) if due else None


def _essence(strategy: Row) -> Row:
    return {field: strategy[field] for field in ("id", "name", "title", "parameters", "constraints", "segments") if field in strategy}


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)
