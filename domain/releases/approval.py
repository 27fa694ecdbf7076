"""Approvals: a person's yes to exactly what a stage will apply."""

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
    """One person's yes. It counts while `binds` is the digest of what will be applied and the person has the right."""

    id: str
    visit: int
    owner: str
    owner_id: str
    binds: str
    at: Moment
    reason: str | None = None


def approval_digest(stage: Stage, parameters: Parameters, visit: int, now: FlagState) -> str:
    """Return a digest of exactly what a stage will apply on this visit: its patches, and the current values of the patched fields."""
    patches = [stage.patch(parameters, step) for step in range(1, stage.steps + 1)] if not stage.is_hold else []
    current = [patch.expanded(now).seen_in(now).model_dump(mode="json") for patch in patches[:1]]
    content = {"visit": visit, "patches": [patch.model_dump(mode="json") for patch in patches], "now": current}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def matching_approvals(approvals: Iterable[Approval], digest: str) -> list[Approval]:
    """Return the approvals of a visit that have this digest, one for each owner, in order of time."""
    by_owner = {approval.owner_id: approval for approval in approvals if approval.binds == digest}
    return sorted(by_owner.values(), key=lambda approval: approval.at)


def gate_to_approve(stage: Stage, step: int) -> ApprovalGate:
    """Return the approval gate of a stage that is at that step. Raises NothingToApprove: only the first step needs approval."""
    if stage.approval is None:
        raise NothingToApprove(f"'{stage.name}' needs no approval.")
    if step > 1:
        raise NothingToApprove(f"'{stage.name}' needs approval before its first step only, for the whole rollout: pause it to stop it.")
    return stage.approval


def check_may_decide(gate: ApprovalGate, caller: Caller, requester_id: str) -> None:
    """Raise ServiceCannotApprove or OwnRelease if the caller may neither approve nor reject."""
    if caller.owner.kind != "person":
        raise ServiceCannotApprove(f"'{caller.owner.name}' is a service: only people can approve or reject.")
    if caller.owner_id == requester_id and not gate.allow_requester:
        raise OwnRelease(f"'{caller.owner.name}' added this flag: somebody else must decide.")


def check_not_approved(approvals: Sequence[Approval], caller: Caller) -> None:
    """Raise AlreadyApproved if an approval of the caller already counts."""
    if any(approval.owner_id == caller.owner_id for approval in approvals):
        raise AlreadyApproved(f"'{caller.owner.name}' has already approved this: any further approval must come from somebody else.")
