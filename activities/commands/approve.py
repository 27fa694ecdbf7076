"""The commands that approve and reject stages. They write only the record, so they work while Temporal or every worker is down."""

from datetime import datetime
from typing import NamedTuple

from activities.providers.catalogue import provider_of
from activities.providers.provider import FlagProvider
from activities.record.gates import MetFlag, current_stage, proposal_of, valid_approvals
from activities.record.transitions import audit, block
from activities.store.database import Store
from activities.store.identifiers import new_id
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent, by_key
from domain.errors import ApprovalMoved, NotFound, Rejected
from domain.flags.project import Project
from domain.model import Message
from domain.pipelines.gate import ApprovalGate
from domain.pipelines.pipeline import Stage
from domain.releases.approval import Approval, Proposal, check_may_decide, check_not_approved, gate_to_approve
from domain.releases.control import Control, Expected, check_allowed
from domain.releases.release import Release


class DecideOnRelease(Message):
    """A request to approve or reject. `shown` is the `binds` of what the caller was shown."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()
    shown: str | None = None


class PendingApproval(NamedTuple):
    """An approval that a stage requires: what it would apply, and the valid approvals so far."""

    gate: ApprovalGate
    given: list[Approval]
    proposal: Proposal


def pending_approval(store: Store, project: Project, release: Release) -> PendingApproval | None:
    """Return the approval that the current stage requires. None if it requires none, or is past its first step."""
    stage = current_stage(store, release)
    if stage.approval is None or release.step > 1:
        return None
    proposal = proposal_of(release, stage, _flag_or_default(provider_of(project, store), release, stage))
    return PendingApproval(stage.approval, valid_approvals(store, release, proposal), proposal)


def approve_release(store: Store, caller: Caller, project: Project, request: DecideOnRelease, at: datetime) -> Release:
    """Record a person's approval of exactly what the stage would apply now.

    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved, NothingToApprove, ApprovalMoved or AlreadyApproved.
    """
    release, stage = _release_to_decide(store, caller, project, request, Control.APPROVE)
    proposal = proposal_of(release, stage, _flag(provider_of(project, store), release, stage))
    bound = proposal.binds
    if request.shown not in (None, bound):
        raise ApprovalMoved("What would be applied has changed since you saw it: review it again.", shown=request.shown, binds=bound)
    check_not_approved(valid_approvals(store, release, proposal), caller)
    approval = Approval(
        id=new_id(), visit=release.visit, owner=caller.owner.name, owner_id=caller.owner_id, binds=bound, at=at, reason=request.reason
    )
    store.approvals.add(approval, release.id)
    audit(store, release, AuditEvent.RELEASE_APPROVED, at, actor=by_key(caller), reason=request.reason, after={"binds": bound})
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return release


def reject_release(store: Store, caller: Caller, project: Project, request: DecideOnRelease, at: datetime) -> Release:
    """Block the release. All approvals of the visit lapse, so a retry requires new ones.

    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved or NothingToApprove.
    """
    release, _ = _release_to_decide(store, caller, project, request, Control.REJECT)
    store.approvals.lapse(release.id, release.visit, at)
    audit(store, release, AuditEvent.RELEASE_REJECTED, at, actor=by_key(caller), reason=request.reason)
    reason = f": {request.reason}" if request.reason else ""
    refusal = Rejected(f"{caller.owner.name} rejected '{release.stage}'{reason}.", by=caller.owner.name)
    block(store, release, refusal, at, f"rejected/{release.sequence}")
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return store.releases.get(release.id)


def _release_to_decide(store: Store, caller: Caller, project: Project, request: DecideOnRelease, control: Control) -> tuple[Release, Stage]:
    release = store.releases.get(request.release, project.id, lock=True)
    caller.must_operate(project.key, [release.environment])
    stage = current_stage(store, release)
    check_allowed(control, release.status)
    request.expected.check(release.stage, release.visit, release.step)
    check_may_decide(gate_to_approve(stage, release.step), caller, release.added_by_id)
    return release, stage


def _flag(provider: FlagProvider, release: Release, stage: Stage) -> MetFlag:
    return MetFlag() if stage.is_hold else MetFlag(provider.look(release.feature, release.environment), provider.definitions_of)


def _flag_or_default(provider: FlagProvider, release: Release, stage: Stage) -> MetFlag:
    """Return the flag, or one in the initial state if its feature or environment was deleted: a view must not fail."""
    try:
        return _flag(provider, release, stage)
    except NotFound:
        return MetFlag()
