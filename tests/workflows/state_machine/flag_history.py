"""The history of a flag, replayed from the audit log: from its default to its current state."""

from collections.abc import Iterator
from typing import Any

from tests.workflows.state_machine.record import CHANGES, Record, Row

Known = dict[str, Any]
"""A path in a flag -> the known value."""

INHERITED = "(inherited)"
FOR_EVERYONE = ("enabled", "value", "allocation", "rollout")


def flags_match_their_changes(record: Record) -> Iterator[str]:
    """Each change, by a stage or by hand, starts from the state that the previous one left, and the last one left the current state."""
    for flag in record.flags:
        known = state_paths(flag["default_state"])
        for entry in _changes_of(flag, record.audit):
            if wrong := _differing(known, paths_of(entry["before"])):
                yield f"{entry['event']} at {entry['at']} started from {wrong}"
            _put(known, paths_of(entry["after"]))
        gone = {path: False for path in known if _is_segment(path)}
        if wrong := _differing(known, gone | state_paths(flag["state"] or flag["default_state"])):
            yield f"the flag in {flag['environment']} is not what its last change left: {wrong}"


def state_paths(state: Row) -> Known:
    """Return a whole flag by path. What it leaves out is no rollout and no allocation."""
    overrides = {f"{segment}/allocation": None for segment in state.get("overrides", {})}
    return {"rollout": None, "allocation": {}} | overrides | paths_of(state)


def paths_of(document: Row) -> Known:
    """Return a flag, or a patch to one, by path. A segment's own path is True if it has an override."""
    paths: Known = {field: document[field] for field in FOR_EVERYONE if field in document}
    for segment, override in document.get("overrides", {}).items():
        paths[segment] = override is not None
        if override is not None:
            fields = {f"{segment}/{field}": value for field, value in override.items() if field != "inherits"}
            paths |= fields | {f"{segment}/{field}": INHERITED for field in override.get("inherits", ())}
    return paths


def _changes_of(flag: Row, audit: list[Row]) -> list[Row]:
    key = (flag["feature"], flag["environment"])
    return [entry for entry in audit if entry["event"] in CHANGES and (entry["feature"], entry["environment"]) == key]


def _is_segment(path: str) -> bool:
    return "/" not in path and path not in FOR_EVERYONE


def _put(known: Known, after: Known) -> None:
    """Apply the state that a change left. A new override inherits the fields that the change did not name, and its rank is unknown."""
    for segment in filter(_is_segment, after):
        if not known.get(segment):
            known |= {f"{segment}/enabled": INHERITED, f"{segment}/value": INHERITED, f"{segment}/allocation": None}
            known.pop(f"{segment}/priority", None)
    known |= after


def _differing(known: Known, found: Known) -> dict[str, tuple[Any, Any]]:
    """Return path -> (known, found) for each difference. An unknown segment had no override."""
    expected = {path: known.get(path, False if _is_segment(path) else value) for path, value in found.items()}
    return {path: (expected[path], value) for path, value in found.items() if expected[path] != value}
