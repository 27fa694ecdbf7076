"""Rollbacks, as a terminal tells them."""

import json
from collections.abc import Iterator
from typing import Any

from api.embedded.telling import differences

_BECAUSE = {
    "changed_by_hand": "somebody changed it since",
    "segment_gone": "its segment is gone",
    "environment_gone": "the environment is gone",
    "priority_taken": "its priority is another's by now",
}


def undoing_in_words(release: dict[str, Any], to_stage: str | None) -> list[str]:
    """What a release changed in the stages after that one, in the other direction, the latest first."""
    names = [stage["name"].casefold() for stage in release["stages"]]
    first = names.index(to_stage.casefold()) + 1 if to_stage and to_stage.casefold() in names else 0
    visits = [visit for visit in release["history"] if visit["outcome"] != "rolled_back" and visit["stage"].casefold() in names[first:]]
    return [line for visit in reversed(visits) for line in _of_visit(visit)]


def _of_visit(visit: dict[str, Any]) -> Iterator[str]:
    for change in reversed([each for each in visit["changes"] if not each["rolls_back"]]):
        for difference in differences(change["after"], change["before"]):
            yield f"{visit['stage']} ({change['environment']}): {difference}"


def rollback_in_words(release: dict[str, Any]) -> list[str]:
    """What became of a release's latest rollback."""
    rollback = release["rollback"]
    if rollback is None:
        return []
    far = f" to '{rollback['to_stage']}'" if rollback["to_stage"] else ""
    state = {"asked": "to be done", "done": "done", "given_up": "given up: nothing was put back"}[rollback["state"]]
    left = [
        f"Left alone in {each['environment']}: {each['field']} is {json.dumps(each['now'])}; {_BECAUSE[each['because']]}."
        for each in rollback["left_alone"]
    ]
    return [f"Rollback{far}, asked by {rollback['by']}: {state}.", *left]
