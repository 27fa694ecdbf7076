"""The effect of stages on a flag: a second implementation, in plain dictionaries."""

from typing import Any

from tests.workflows.state_machine.record import Record, ReleaseRecord, Row

Flag = dict[str, Any]


def flag_of(state: Row) -> Flag:
    """Return a flag from its database form, without the priorities of its overrides."""
    overrides = {segment: _set_in(override) for segment, override in state.get("overrides", {}).items()}
    plain = {"enabled": state["enabled"], "value": state["value"], "allocation": _percents(state.get("allocation", {}))}
    return plain | {"rollout": state.get("rollout"), "overrides": overrides}


def after_step(flag: Flag, actions: list[Row], step: int) -> Flag:
    """Return the flag after one step of a stage. The first step makes every action other than the rollout."""
    after = {**flag, "overrides": {segment: dict(fields) for segment, fields in flag["overrides"].items()}}
    for action in actions:
        if action["type"] == "PHASED_ROLLOUT":
            _grow(after, action, step)
        elif step == 1:
            _apply(after, action)
    return after


def flags_in_the_end(record: Record) -> dict[tuple[str, str], Flag]:
    """Return each flag by feature and environment, if each release did exactly what its stages say, one after another."""
    flags = {(flag["feature"], flag["environment"]): flag_of(flag["default_state"]) for flag in record.flags}
    for story in record.releases:
        if story.row["status"] != "rolled_back":
            _climb(flags, story)
    return flags


def _climb(flags: dict[tuple[str, str], Flag], story: ReleaseRecord) -> None:
    feature = next(entry["feature"] for entry in story.audit if entry["event"] == "release.added")
    for run in story.runs:
        stage = story.stage_of(run)
        for change in story.changes_on(run["visit"]):
            place = (feature, stage["environment"])
            flags[place] = after_step(flags[place], stage["actions"], change["step"])


def _grow(flag: Flag, action: Row, step: int) -> None:
    share = [*range(action["initial"], 100, action["step"]), 100][step - 1]
    served = {field: action[field] for field in ("enabled", "value") if field in action}
    if share == 100:
        ended: Flag = {"allocation": {}} if "value" in served else {}
        flag |= ended | served | {"rollout": None} | ({"overrides": {}} if action.get("overrides") == "remove" else {})
    else:
        flag["rollout"] = {"percent": share} | served


def _apply(flag: Flag, action: Row) -> None:
    field = next(field for prefix, field in _FIELDS.items() if action["type"].startswith(prefix))
    if "segment" in action:
        _set_for_segment(flag["overrides"].setdefault(action["segment"], {}), field, action[field])
        return
    ended: Flag = {} if field == "allocation" else {"rollout": None}
    ended |= {"allocation": {}} if field == "value" else {}
    flag |= ended | {field: action[field]} | ({"overrides": {}} if action.get("overrides") == "remove" else {})


_FIELDS = {"TOGGLE": "enabled", "UPDATE": "value", "ALLOCATE": "allocation"}


def _set_for_segment(override: Flag, field: str, value: Any) -> None:
    override[field] = value
    if field == "value":
        override.pop("allocation", None)


def _set_in(override: Row) -> dict[str, Any]:
    plain = {field: override[field] for field in ("enabled", "value") if field in override and field not in override.get("inherits", ())}
    return plain | ({"allocation": _percents(override["allocation"])} if override.get("allocation") is not None else {})


def _percents(allocation: Row) -> dict[str, Any]:
    return {variant: share["percent"] if isinstance(share, dict) else share for variant, share in allocation.items()}
