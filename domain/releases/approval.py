"""Approvals: who said yes to exactly what will be applied."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from domain.access import Caller
from domain.errors import AlreadyApproved, NothingToApprove, OwnRelease, ServiceCannotApprove
from domain.flags.flag import FlagState
from domain.model import Frozen, Moment
from domain.pipelines.gate import ApprovalGate
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Stage


class Approval(Frozen):
    """One person's yes, for what `binds` stands for. It counts as long as that is what will be applied and the person has the right."""

    id: str
    visit: int
    owner: str
    owner_id: str
    binds: str
    at: Moment
    reason: str | None = None


def binds(stage: Stage, parameters: Parameters, visit: int, now: FlagState) -> str:
    """A name for exactly what a stage will apply on this visit: its patches, and what the patched fields hold now."""
    patches = [stage.patch(parameters, step) for step in range(1, stage.steps + 1)] if not stage.is_hold else []
    seen = [patch.expanded(now).seen_in(now).model_dump(mode="json") for patch in patches[:1]]
    whole = {"visit": visit, "patches": [patch.model_dump(mode="json") for patch in patches], "now": seen}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]


def counted(approvals: Iterable[Approval], what: str) -> list[Approval]:
    """Of the approvals of a visit those that are for this, one for each owner."""
    by_owner = {approval.owner_id: approval for approval in approvals if approval.binds == what}
    return sorted(by_owner.values(), key=lambda approval: approval.at)


def gate_to_approve(stage: Stage, step: int) -> ApprovalGate:
    """The gate that asks people, before the first step of the stage. Raises NothingToApprove."""
    if stage.approval is None:
        raise NothingToApprove(f"'{stage.name}' asks for no approval.")
    if step > 1:
        raise NothingToApprove(f"'{stage.name}' asked before its first step, for the whole rollout: to stop it now, pause it.")
    return stage.approval


def check_may_decide(gate: ApprovalGate, caller: Caller, requester_id: str) -> None:
    """Raise ServiceCannotApprove or OwnRelease for those whose yes or no does not count."""
    if caller.owner.kind != "person":
        raise ServiceCannotApprove(f"'{caller.owner.name}' is a service: people approve and reject.")
    if caller.owner_id == requester_id and not gate.allow_requester:
        raise OwnRelease(f"'{caller.owner.name}' added this flag: somebody else has to decide.")


def check_not_approved(approvals: Sequence[Approval], caller: Caller) -> None:
    """Raise AlreadyApproved where the caller's yes counts already."""
    if any(approval.owner_id == caller.owner_id for approval in approvals):
        raise AlreadyApproved(f"'{caller.owner.name}' has approved this already: somebody else has to.")
