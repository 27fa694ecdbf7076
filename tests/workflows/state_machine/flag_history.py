"""The history of a flag as the audit log tells it, folded from its default to what it is now."""

from collections.abc import Iterator
from typing import Any

from tests.workflows.state_machine.record import CHANGES, Record, Row

Known = dict[str, Any]
"""A path in a flag -> what is known to be there."""

INHERITED = "(inherited)"
FOR_EVERYONE = ("enabled", "value", "rollout")


def flags_are_what_was_done(record: Record) -> Iterator[str]:
    """Each change, by a stage or by hand, began with what the one before it left, and the flag is what the last one left."""
    for flag in record.flags:
        known = {"rollout": None} | paths_of(flag["default_state"])
        for entry in _changes_of(flag, record.audit):
            if wrong := _differing(known, paths_of(entry["before"])):
                yield f"{entry['event']} at {entry['at']} found {wrong}"
            _put(known, paths_of(entry["after"]))
        gone = {path: False for path in known if _is_segment(path)}
        if wrong := _differing(known, gone | paths_of(flag["state"] or flag["default_state"])):
            yield f"the flag is not what was done to it in {flag['environment']}: {wrong}"


def paths_of(document: Row) -> Known:
    """A flag, or a patch to one, path by path; a segment's own path says whether it has an override."""
    paths: Known = {field: document[field] for field in FOR_EVERYONE if field in document}
    for segment, override in document.get("overrides", {}).items():
        paths[segment] = override is not None
        if override is not None:
            fields = {f"{segment}/{field}": value for field, value in override.items() if field != "inherits"}
            paths |= fields | {f"{segment}/{field}": INHERITED for field in override.get("inherits", ())}
    return paths


def _changes_of(flag: Row, audit: list[Row]) -> list[Row]:
    place = (flag["feature"], flag["environment"])
    return [entry for entry in audit if entry["event"] in CHANGES and (entry["feature"], entry["environment"]) == place]


def _is_segment(path: str) -> bool:
    return "/" not in path and path not in FOR_EVERYONE


def _put(known: Known, after: Known) -> None:
    """Take over what a change left. A new override inherits what the change did not name; its rank is not told."""
    for segment in filter(_is_segment, after):
        if not known.get(segment):
            known |= {f"{segment}/enabled": INHERITED, f"{segment}/value": INHERITED}
            known.pop(f"{segment}/priority", None)
    known |= after


def _differing(known: Known, found: Known) -> dict[str, tuple[Any, Any]]:
    """Path -> (what was known, what was found), where they differ. A segment of which nothing is known had no override."""
    expected = {path: known.get(path, False if _is_segment(path) else value) for path, value in found.items()}
    return {path: (expected[path], value) for path, value in found.items() if expected[path] != value}
