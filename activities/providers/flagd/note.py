"""The note in a flag's metadata: what a state has that its flag can't show, such as priorities and the value of a disabled segment."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from activities.providers.flagd.serving import Line, Values, is_same_line, serving_of
from domain.flags.flag import FlagState, Override, Rollout


def written_note(state: FlagState, references: Mapping[str, str]) -> str:
    """Return a note. Metadata can't hold objects, so it is JSON in a string. Its segments go by their references."""
    document = state.model_dump(mode="json")
    document["overrides"] = {references[segment]: override for segment, override in document["overrides"].items()}
    return json.dumps(document, separators=(",", ":"))


def read_note(note: Any, keys: Mapping[str, str]) -> FlagState | None:
    """Return the state in a note, or None if there is none or it is damaged. `keys` has reference -> segment; others are left out."""
    try:
        document = json.loads(note)
        overrides = {keys[reference]: override for reference, override in document.pop("overrides").items() if reference in keys}
        return FlagState.model_validate({**document, "overrides": overrides})
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, ValidationError):
        return None


def completed(seen: FlagState, note: FlagState, values: Values) -> FlagState:
    """Return the state that a flag shows, with the rest from its note. Where people changed the flag since, the flag is right."""
    now, then = serving_of(seen, values), serving_of(note, values)
    state = _for_everyone(seen, note, now.everyone, then.everyone, values)
    priorities = [note.overrides[segment].priority for segment in now.segments if segment in note.overrides]
    in_order = len(priorities) == len(now.segments) and all(one < other for one, other in pairwise(priorities))
    overrides = {
        segment: _override(override, note.overrides.get(segment), state, values, in_order) for segment, override in seen.overrides.items()
    }
    return state.model_copy(update={"overrides": overrides})


def _for_everyone(seen: FlagState, note: FlagState, now: Line, then: Line, values: Values) -> FlagState:
    """Return the state without overrides."""
    if is_same_line(now, then):
        return note.model_copy(update={"overrides": {}})
    state = seen.model_copy(update={"overrides": {}, "rollout": None})
    if now[-1][0] == then[-1][0]:
        state = state.model_copy(update={"enabled": note.enabled, "value": note.value})
    return state.model_copy(update={"rollout": seen.rollout and _rollout(seen.rollout, note.rollout, state, values)})


def _override(seen: Override, noted: Override | None, default: FlagState, values: Values, in_order: bool) -> Override:
    if noted is None:
        return seen
    priority = noted.priority if in_order else seen.priority
    if not is_same_line(_served_by(noted, default, values), _served_by(seen, default, values)):
        noted = seen
    return noted.model_copy(update={"priority": priority})


def _served_by(override: Override, default: FlagState, values: Values) -> Line:
    return serving_of(default.model_copy(update={"overrides": {"one": override}}), values).segments["one"]


def _rollout(seen: Rollout, noted: Rollout | None, default: FlagState, values: Values) -> Rollout:
    if noted and values.served(*default.in_rollout(noted)) == values.served(*default.in_rollout(seen)):
        return noted.model_copy(update={"percent": seen.percent})
    return seen
