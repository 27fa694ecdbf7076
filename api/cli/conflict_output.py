"""A release that is blocked by what somebody changed by hand, as a terminal tells it."""

from typing import Any

from api.embedded.format_event import fields_in_words


def sides_in_words(release: dict[str, Any]) -> list[str]:
    """What was expected, what is there, and what the stage would set; nothing where no change by hand is in the way."""
    details = (release["blocked_by"] or {}).get("details", {})
    if not details.keys() >= {"fields", "seen", "now", "wanted"}:
        return []
    sides = {"Expected": "seen", "There now": "now", "The stage would set": "wanted"}
    return [f"{words}: {fields_in_words(_named(details[side], details['fields']))}." for words, side in sides.items()]


def _named(patch: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """What is said of the fields that are in conflict, without the others that the stage names."""
    plain = {field: patch[field] for field in fields if field in patch}
    overrides = patch.get("overrides") or {}
    segments = [field.removeprefix("overrides/") for field in fields if field.startswith("overrides/")]
    return plain | ({"overrides": {segment: overrides.get(segment) for segment in segments}} if segments else {})
