"""The description of a rollback."""

from collections.abc import Iterable, Iterator
from typing import Any

from api.cli.manual_commands import restore_command
from api.embedded.format_event import differences

LeftAlone = dict[str, Any]

_REASONS = {
    "changed_by_hand": "changed by hand since",
    "segment_gone": "its segment was deleted",
    "variant_gone": "one of its variants was removed",
    "environment_gone": "the environment was deleted",
    "priority_taken": "another override has its priority now",
}


def preview_in_words(preview: dict[str, Any], feature: str) -> list[str]:
    """Describe what a rollback would restore and what it would leave alone, field by field, and what to do about the latter."""
    lines = [f"{each['environment']}: {line}" for each in preview["puts_back"] for line in differences(each["now"], each["then"])]
    lines = lines or ["There is nothing to restore."]
    left_alone = preview["left_alone"]
    lines += [line for each in left_alone for line in _explain(each)]
    if not preview["force"] and any(each["because"] == "changed_by_hand" for each in left_alone):
        lines.append("--force also restores fields that were changed by hand.")
    return [*lines, *(_manual_commands(left_alone, feature) if preview["is_final"] else ())]


def rollback_in_words(release: dict[str, Any]) -> list[str]:
    """Describe the result of a release's latest rollback, and what to do about the fields that it left alone."""
    rollback = release["rollback"]
    if rollback is None:
        return []
    extent = f" to '{rollback['to_stage']}'" if rollback["to_stage"] else ""
    state = {"asked": "pending", "done": "done", "given_up": "given up, nothing was restored"}[rollback["state"]]
    left_alone = rollback["left_alone"]
    lines = [f"Rollback{extent}, requested by {rollback['by']}: {state}.", *(line for each in left_alone for line in _explain(each))]
    return lines + list(_manual_commands(left_alone, release["feature"]) if release["status"] == "rolled_back" else ())


def _explain(left_alone: LeftAlone) -> Iterator[str]:
    """Describe a field that is left alone: its current value, its value before the release, and the reason."""
    reason = _REASONS[left_alone["because"]]
    if left_alone["because"] == "priority_taken":
        yield f"Not restored exactly in {left_alone['environment']}: {left_alone['field']} ({reason})."
        return
    now, before = _as_state(left_alone["field"], left_alone["now"]), _as_state(left_alone["field"], left_alone["before"])
    for line in differences(now, before) or [left_alone["field"]]:
        yield f"Left alone in {left_alone['environment']}: {line} ({reason})."


def _manual_commands(left_alone: Iterable[LeftAlone], feature: str) -> Iterator[str]:
    """List the commands for the fields left alone. After a final rollback no control can restore them."""
    commands = [command for each in left_alone if (command := restore_command(each, feature))]
    if commands:
        yield "The rollback ends the release. To restore the fields left alone:"
        yield from (f"  {command}" for command in commands)


def _as_state(field: str, value: Any) -> dict[str, Any]:
    segment = field.removeprefix("overrides/")
    return {field: value} if segment == field else {"overrides": {segment: value}}
