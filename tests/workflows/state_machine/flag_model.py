"""What a flag is and becomes, in plain dictionaries: a second opinion on the domain's patches and conflicts."""

from typing import Any, NamedTuple

from tests.workflows.state_machine.flag_history import FOR_EVERYONE, INHERITED, paths_of

Flag = dict[str, Any]
"""A path in a flag -> what is there; what is not there has no path."""

_ABSENT = object()
_FIELDS = ("enabled", "value", "priority")


class Deed(NamedTuple):
    """What a stage or a person does to a flag: for everyone, for segments (none takes the override away), and whether all others go."""

    everyone: dict[str, Any] = {}
    segments: dict[str, dict[str, Any] | None] = {}
    clears: bool = False

    def as_actions(self) -> list[dict[str, Any]]:
        """As a stage of a pipeline says it."""
        types = {"enabled": "TOGGLE_FEATURE", "value": "UPDATE_FEATURE_VALUE"}
        overrides = {"overrides": "remove"} if self.clears else {}
        return [{"type": types[field], field: value, **overrides} for field, value in self.everyone.items()] + [
            {"type": f"{types[field]}_FOR_SEGMENT", "segment": segment, field: value}
            for segment, fields in self.segments.items()
            for field, value in (fields or {}).items()
        ]

    def as_patch(self) -> dict[str, Any]:
        """As a person says it."""
        overrides = {"overrides": "remove" if self.clears else self.segments} if self.clears or self.segments else {}
        return self.everyone | overrides


def flag_of(state: dict[str, Any]) -> Flag:
    """A flag as the database keeps it."""
    paths = {"rollout": None} | paths_of(state)
    return {path: value for path, value in paths.items() if "/" in path or path in FOR_EVERYONE}


def wanted_of(deed: Deed, now: Flag) -> Flag:
    """What a deed wants of the flag in each path that it names; what it wants away is absent. A rollout that it ends it names."""
    segments = deed.segments | (dict.fromkeys(_segments_of(now)) if deed.clears else {})
    wanted = ({"rollout": None} if now["rollout"] and {"enabled", "value"} & deed.everyone.keys() else {}) | deed.everyone
    for segment, fields in segments.items():
        wanted |= {f"{segment}/{field}": value for field, value in (dict.fromkeys(_FIELDS, _ABSENT) if fields is None else fields).items()}
    return wanted


def at_paths(named: Flag, flag: Flag) -> Flag:
    """What a flag has at the named paths."""
    return {path: flag.get(path, _ABSENT) for path in named}


def with_paths(flag: Flag, paths: Flag) -> Flag:
    """The flag with these paths put on it. A new override inherits what is not named and ranks last; a plain state ends a rollout."""
    changed = flag | ({"rollout": None} if {"enabled", "value"} & paths.keys() else {})
    for path, value in paths.items():
        segment = path.partition("/")[0]
        if value is _ABSENT:
            changed.pop(path, None)
            continue
        if "/" in path and segment not in _segments_of(changed):
            ranks = [changed[f"{each}/priority"] for each in _segments_of(changed)]
            changed |= {f"{segment}/enabled": INHERITED, f"{segment}/value": INHERITED, f"{segment}/priority": max(ranks, default=-1) + 1}
        changed[path] = value
    return changed


def is_conflict(wanted: Flag, now: Flag, seen: Flag) -> bool:
    """Whether somebody changed a field that is about to be changed: it is neither as it was seen nor as it is wanted."""
    return any(now.get(path, _ABSENT) not in (seen.get(path, _ABSENT), value) for path, value in wanted.items())


def seen_after(wanted: Flag, now: Flag, seen: Flag) -> Flag:
    """What a release has seen once it made its change; an override that it made it knows whole."""
    after = with_paths(now, wanted)
    new = _segments_of(after) - _segments_of(now)
    return with_paths(seen | {path: value for path, value in after.items() if path.partition("/")[0] in new}, wanted)


def _segments_of(flag: Flag) -> set[str]:
    return {path.partition("/")[0] for path in flag if path.endswith("/priority")}


def shown_in(now: dict[str, Any] | None) -> Flag | None:
    """What a blocked release shows of the flag, as paths."""
    if now is None:
        return None
    paths = paths_of(now)
    gone = [f"{segment}/{name}" for segment, there in paths.items() if there is False and segment not in FOR_EVERYONE for name in _FIELDS]
    kept = {path: value for path, value in paths.items() if "/" in path or path in FOR_EVERYONE}
    return kept | dict.fromkeys(gone, _ABSENT)
