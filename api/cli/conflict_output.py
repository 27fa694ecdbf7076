"""The description of a conflict: a release that is blocked by a change made by hand."""

from typing import Any

from api.embedded.format_event import fields_in_words


def conflict_in_words(release: dict[str, Any]) -> list[str]:
    """Return the expected, current and intended state of the fields in conflict. Return nothing if the release is not in conflict."""
    details = (release["blocked_by"] or {}).get("details", {})
    if not details.keys() >= {"fields", "seen", "now", "wanted"}:
        return []
    sides = {"Expected": "seen", "Current": "now", "The stage would set": "wanted"}
    return [f"{label}: {fields_in_words(_only(details['fields'], details[side]))}." for label, side in sides.items()]


def _only(fields: list[str], state: dict[str, Any]) -> dict[str, Any]:
    """Reduce a state to the fields in conflict, without the others that the stage sets."""
    plain = {field: state[field] for field in fields if field in state}
    overrides = state.get("overrides") or {}
    segments = [field.removeprefix("overrides/") for field in fields if field.startswith("overrides/")]
    return plain | ({"overrides": {segment: overrides.get(segment) for segment in segments}} if segments else {})
