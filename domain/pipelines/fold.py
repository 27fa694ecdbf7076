"""The change that all actions of a stage make together, as one patch."""

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from domain.flags.patch import REMOVE, FlagPatch, OverridePatch
from domain.percentage import EVERYONE
from domain.pipelines.action import Action, ForEveryone, ForSegment, ShipWinner
from domain.pipelines.parameter import Parameters


def removes_overrides(action: Action) -> bool:
    """Return True if the action removes all overrides."""
    return isinstance(action, ForEveryone) and action.overrides == REMOVE


def ships_winner(actions: Iterable[Action]) -> bool:
    """Return True if an action needs the decision of an experiment."""
    return any(isinstance(each, ShipWinner) for each in actions)


def ramped_in(actions: Iterable[Action]) -> Action | None:
    """Return the action that is carried out in steps. Publishing ensures that there is at most one."""
    return next((action for action in actions if action.ramp), None)


def fold(actions: Sequence[Action], parameters: Parameters, step: int = 1) -> FlagPatch:
    """Return the change that a stage makes in one step, as one patch. The first step also carries all actions that have no steps.

    Publishing ensures that the actions do not contradict each other.
    """
    ramped = ramped_in(actions)
    shares = [(action, action.share_at(step, parameters)) for action in actions if step == 1 or action is ramped]
    fields: dict[str, Any] = {}
    segments: dict[str, dict[str, Any]] = {}
    for action, share in shares:
        if isinstance(action, ForSegment):
            segments.setdefault(action.segment, {}).update(action.fields_at(share, parameters))
        elif isinstance(action, ForEveryone):
            fields.update(action.fields_at(share, parameters))
        else:
            assert_never(action)
    if any(removes_overrides(action) and share == EVERYONE for action, share in shares):
        fields["overrides"] = REMOVE
    elif segments:
        fields["overrides"] = {segment: OverridePatch(**named) for segment, named in segments.items()}
    return FlagPatch(**fields)
