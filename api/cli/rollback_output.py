"""Rollbacks, as a terminal tells them."""

from collections.abc import Iterable, Iterator
from typing import Any

from api.cli.manual_commands import command_for
from api.embedded.format_event import differences

LeftAlone = dict[str, Any]

_BECAUSE = {
    "changed_by_hand": "somebody changed it since",
    "segment_gone": "its segment is gone",
    "environment_gone": "the environment is gone",
    "priority_taken": "its priority is another's by now",
}


def preview_in_words(preview: dict[str, Any], feature: str) -> list[str]:
    """What a rollback would put back, field by field as it is and as it would be, what it would leave alone, and what helps there."""
    lines = [f"{each['environment']}: {line}" for each in preview["puts_back"] for line in differences(each["now"], each["then"])]
    lines = lines or ["There is nothing to put back."]
    left = preview["left_alone"]
    lines += [line for each in left for line in _left(each)]
    if not preview["force"] and any(each["because"] == "changed_by_hand" for each in left):
        lines.append("--force puts back what somebody changed, too.")
    return [*lines, *(_by_hand(left, feature) if preview["is_final"] else ())]


def rollback_in_words(release: dict[str, Any]) -> list[str]:
    """What became of a release's latest rollback, and what to do about what it left alone."""
    rollback = release["rollback"]
    if rollback is None:
        return []
    far = f" to '{rollback['to_stage']}'" if rollback["to_stage"] else ""
    state = {"asked": "to be done", "done": "done", "given_up": "given up: nothing was put back"}[rollback["state"]]
    left = rollback["left_alone"]
    lines = [f"Rollback{far}, asked by {rollback['by']}: {state}.", *(line for each in left for line in _left(each))]
    return lines + list(_by_hand(left, release["feature"]) if release["status"] == "rolled_back" else ())


def _left(left: LeftAlone) -> Iterator[str]:
    """A field that is left alone: as it is, and as it was before the release."""
    because = _BECAUSE[left["because"]]
    if left["because"] == "priority_taken":
        yield f"Not quite as before in {left['environment']}: {left['field']}; {because}."
        return
    now, before = _as_fields(left["field"], left["now"]), _as_fields(left["field"], left["before"])
    for line in differences(now, before) or [left["field"]]:
        yield f"Left alone in {left['environment']}: {line}; {because}."


def _by_hand(left_alone: Iterable[LeftAlone], feature: str) -> Iterator[str]:
    """After a rollback of the whole release nothing more can be asked of it."""
    commands = [command for each in left_alone if (command := command_for(each, feature))]
    if commands:
        yield "The release is over then: what is left alone is put back by hand, by"
        yield from (f"  {command}" for command in commands)


def _as_fields(field: str, value: Any) -> dict[str, Any]:
    segment = field.removeprefix("overrides/")
    return {field: value} if segment == field else {"overrides": {segment: value}}
