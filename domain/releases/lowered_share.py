"""Stages that would take a flag away from people who have it when it is added."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from domain.errors import LowersShare, Problem
from domain.flags.flag import FlagState, Rollout
from domain.flags.patch import FlagPatch
from domain.pipelines.action import blanks
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Stage

Accepted = Annotated[
    tuple[Literal["lowers_share"], ...],
    Field(max_length=1, description="`lowers_share`: a stage may take the flag from people who have it now."),
]
"""The consequences of adding a flag that a person accepts."""


def check_keeps_shares(
    stages: Sequence[Stage], start: int, states: Mapping[str, FlagState], parameters: Parameters, accepted: Accepted
) -> None:
    """Raise LowersShare if a stage would take the flag from people who have it, unless that is accepted."""
    lowered = () if "lowers_share" in accepted else tuple(lowered_shares(stages, start, states, parameters))
    if lowered:
        problems = tuple(Problem(pointer="/accept", code=LowersShare.code(), message=each) for each in lowered)
        raise LowersShare(f'{lowered[0]} To add it anyway, send "accept": ["lowers_share"].', problems=problems)


def lowered_shares(stages: Sequence[Stage], start: int, states: Mapping[str, FlagState], parameters: Parameters) -> Iterator[str]:
    """Describe the stages that would lower a share, given the flag's states by environment; at most one for each environment.

    A stage that disables the flag counts only if a later one enables it again: otherwise disabling it is the purpose.
    """
    for environment, state in states.items():
        acting = [index for index in range(start, len(stages)) if stages[index].environment == environment and not stages[index].is_hold]
        patches = [(index, stages[index].patch(blanks(parameters))) for index in acting]
        if found := _first_lowered(patches, state):
            index, loss = found
            yield f"'{stages[index].name}' would {loss.format(environment=environment)}."


def _first_lowered(patches: Sequence[tuple[int, FlagPatch]], state: FlagState) -> tuple[int, str] | None:
    """Return the stage that lowers the share, and the loss.

    Once a stage has changed who has the flag, what later ones do follows from the pipeline alone.
    """
    for position, (index, patch) in enumerate(patches):
        after = patch.applied(state)
        is_purpose = _disables(patch) and not any(_enables(later) for _, later in patches[position + 1 :])
        if not is_purpose and (loss := _loss(state, after, patch)):
            return index, loss
        if (after.enabled, after.rollout) != (state.enabled, state.rollout):
            return None
        state = after
    return None


def _loss(state: FlagState, after: FlagState, patch: FlagPatch) -> str | None:
    """Describe the loss of those who have the flag in this state; None if they keep it, or get what the stage names."""
    if state.rollout is None:
        return "disable the flag in {environment}, where everyone has it now" if state.enabled and _disables(patch) else None
    had, percent = state.in_rollout(state.rollout), state.rollout.percent
    if after.rollout is not None:
        loses = after.rollout.percent < percent and had != (after.enabled, after.value)
        return f"lower the rollout in {{environment}} from {percent}% to {after.rollout.percent}%" if loses else None
    if _disables(patch):
        return f"disable the flag in {{environment}}, where {percent}% of identities have it now" if had[0] else None
    differs = {"enabled": had[0] != after.enabled, "value": had[1] != after.value}
    loses = any(differs[field] for field in differs.keys() - patch.named)
    return f"end the rollout in {{environment}}, which is at {percent}% now" if loses else None


def _disables(patch: FlagPatch) -> bool:
    return "enabled" in patch.named and not patch.enabled


def _enables(patch: FlagPatch) -> bool:
    return ("enabled" in patch.named and patch.enabled) or (isinstance(patch.rollout, Rollout) and patch.rollout.enabled)
