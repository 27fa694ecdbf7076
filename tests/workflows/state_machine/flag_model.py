"""An independent model of flags, patches and conflicts, in plain dictionaries."""

from typing import Any, NamedTuple

from tests.workflows.state_machine.flag_history import FOR_EVERYONE, INHERITED, paths_of, state_paths
from tests.workflows.state_machine.shares import Layout, Shares, relaid, shares_of

Flag = dict[str, Any]
"""A path in a flag -> its value. Absent fields have no path."""

_ABSENT = object()
_FIELDS = ("enabled", "value", "allocation", "priority")


class Edit(NamedTuple):
    """A change to a flag by a stage or a person: for everyone, for segments (None removes the override), or removing all overrides."""

    everyone: dict[str, Any] = {}
    segments: dict[str, dict[str, Any] | None] = {}
    removes_overrides: bool = False

    def as_actions(self) -> list[dict[str, Any]]:
        """Return the edit as actions of a stage."""
        types = {"enabled": "TOGGLE_FEATURE", "value": "UPDATE_FEATURE_VALUE", "allocation": "ALLOCATE_VARIANTS"}
        overrides = {"overrides": "remove"} if self.removes_overrides else {}
        return [{"type": types[field], field: value, **overrides} for field, value in self.everyone.items()] + [
            {"type": f"{types[field]}_FOR_SEGMENT", "segment": segment, field: value}
            for segment, fields in self.segments.items()
            for field, value in (fields or {}).items()
        ]

    def as_patch(self) -> dict[str, Any]:
        """Return the edit as a patch by hand."""
        overrides = {"overrides": "remove" if self.removes_overrides else self.segments} if self.removes_overrides or self.segments else {}
        return self.everyone | overrides


def flag_of(state: dict[str, Any]) -> Flag:
    """Return a flag from its state in the database."""
    return _laid_out({path: value for path, value in state_paths(state).items() if "/" in path or path in FOR_EVERYONE})


def exactly(flag: Flag) -> Flag:
    """Return the flag with the layouts of its allocations, which are otherwise equal if their shares are."""
    layouts: dict[str, Layout] = {f"{path}/layout": value.layout for path, value in flag.items() if isinstance(value, Shares)}
    return flag | layouts


def served_in(flag: Flag) -> Flag:
    """Return what decides who gets which variant: the enabled state, and all allocations."""
    return {path: value for path, value in flag.items() if path == "enabled" or (_is_allocation(path) and value is not None)}


def _laid_out(paths: Flag) -> Flag:
    return {path: shares_of(value) if _is_allocation(path) and value is not _ABSENT else value for path, value in paths.items()}


def _is_allocation(path: str) -> bool:
    return path.rpartition("/")[2] == "allocation"


def targets_of(edit: Edit, now: Flag) -> Flag:
    """Return the target value of each path that an edit names: absent for what it removes, and none for what it ends."""
    segments = edit.segments | (dict.fromkeys(_segments_of(now)) if edit.removes_overrides else {})
    ended = {"rollout": None} if now["rollout"] and {"enabled", "value"} & edit.everyone.keys() else {}
    targets = ended | ({"allocation": {}} if now["allocation"] and "value" in edit.everyone else {}) | edit.everyone
    for segment, fields in segments.items():
        values = dict.fromkeys(_FIELDS, _ABSENT) if fields is None else fields
        if "value" in values and now.get(f"{segment}/allocation") is not None:
            values = {"allocation": None} | values
        targets |= {f"{segment}/{field}": value for field, value in values.items()}
    return targets


def at_paths(named: Flag, flag: Flag) -> Flag:
    """Return the values of a flag at the named paths."""
    return {path: flag.get(path, _ABSENT) for path in named}


def with_paths(flag: Flag, paths: Flag) -> Flag:
    """Return the flag with these paths applied. A new override inherits other fields and ranks last.

    A plain state ends a rollout, and a value an allocation. The first allocation of an override begins with that for everyone.
    """
    changed = flag | ({"rollout": None} if {"enabled", "value"} & paths.keys() else {})
    changed |= {"allocation": Shares({}, {})} if "value" in paths else {}
    for path, value in paths.items():
        segment = path.partition("/")[0]
        if value is _ABSENT:
            changed.pop(path, None)
            continue
        if "/" in path and segment not in _segments_of(changed):
            ranks = [changed[f"{each}/priority"] for each in _segments_of(changed)]
            inherited = {f"{segment}/{field}": INHERITED for field in ("enabled", "value")}
            changed |= inherited | {f"{segment}/allocation": None, f"{segment}/priority": max(ranks, default=-1) + 1}
        had = flag["allocation"] if flag.get(path) is None else flag[path]
        changed[path] = relaid(had, value) if _is_allocation(path) and value is not None else value
    return changed


def is_conflict(targets: Flag, now: Flag, seen: Flag) -> bool:
    """True if a field to be changed is neither as the release last saw it nor at its target."""
    return any(now.get(path, _ABSENT) not in (seen.get(path, _ABSENT), value) for path, value in targets.items())


def seen_after(targets: Flag, now: Flag, seen: Flag) -> Flag:
    """Return what a release has seen after its change. It knows all fields of an override that it created."""
    after = with_paths(now, targets)
    new = _segments_of(after) - _segments_of(now)
    return with_paths(seen | {path: value for path, value in after.items() if path.partition("/")[0] in new}, targets)


def _segments_of(flag: Flag) -> set[str]:
    return {path.partition("/")[0] for path in flag if path.endswith("/priority")}


def conflict_paths(now: dict[str, Any] | None) -> Flag | None:
    """Return the current values in the details of a conflict, as paths."""
    if now is None:
        return None
    paths = paths_of(now)
    gone = [f"{segment}/{name}" for segment, there in paths.items() if there is False and segment not in FOR_EVERYONE for name in _FIELDS]
    kept = {path: value for path, value in paths.items() if "/" in path or path in FOR_EVERYONE}
    return _laid_out(kept) | dict.fromkeys(gone, _ABSENT)
