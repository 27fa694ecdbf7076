"""The commands that approve and reject stages. They write only the record, so they work while Temporal or every worker is down."""

from datetime import datetime
from typing import NamedTuple

from activities.providers.catalogue import provider_of
from activities.record.gates import current_stage, valid_approvals
from activities.record.transitions import audit, block
from activities.store.database import Store
from activities.store.identifiers import new_id
from activities.store.outbox import OutboxKind
from domain.access import Caller
from domain.audit import AuditEvent, by_key
from domain.errors import ApprovalMoved, NotFound, Rejected
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.project import Project
from domain.model import Message
from domain.pipelines.gate import ApprovalGate
from domain.pipelines.pipeline import Stage
from domain.releases.approval import Approval, approval_digest, check_may_decide, check_not_approved, gate_to_approve
from domain.releases.control import Control, Expected, check_allowed
from domain.releases.release import Release


class DecideOnRelease(Message):
    """A request to approve or reject. `shown` is the `binds` of what the caller was shown."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()
    shown: str | None = None


class PendingApproval(NamedTuple):
    """An approval that a stage requires: the patches, the state they apply to, and the valid approvals so far."""

    gate: ApprovalGate
    given: list[Approval]
    binds: str
    patches: list[FlagPatch]
    now: FlagPatch


def pending_approval(store: Store, project: Project, release: Release) -> PendingApproval | None:
    """Return the approval that the current stage requires. None if it requires none, or is past its first step."""
    stage = current_stage(store, release)
    if stage.approval is None or release.step > 1:
        return None
    now = _flag_or_default(store, project, release, stage)
    patches = [] if stage.is_hold else [stage.patch(release.parameters, step) for step in range(1, stage.steps + 1)]
    return PendingApproval(
        gate=stage.approval,
        given=valid_approvals(store, release, stage, now),
        binds=approval_digest(stage, release.parameters, release.visit, now),
        patches=patches,
        now=patches[0].expanded(now).seen_in(now) if patches else FlagPatch(),
    )


def approve_release(store: Store, caller: Caller, project: Project, request: DecideOnRelease, at: datetime) -> Release:
    """Record a person's approval of exactly what the stage would apply now.

    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved, NothingToApprove, ApprovalMoved or AlreadyApproved.
    """
    release, stage = _release_to_decide(store, caller, project, request, Control.APPROVE)
    now = _flag(store, project, release, stage)
    bound = approval_digest(stage, release.parameters, release.visit, now)
    if request.shown not in (None, bound):
        raise ApprovalMoved("What would be applied has changed since you saw it: review it again.", shown=request.shown, binds=bound)
    check_not_approved(valid_approvals(store, release, stage, now), caller)
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
    request.expected.check(release.stage, release.visit)
    check_may_decide(gate_to_approve(stage, release.step), caller, release.added_by_id)
    return release, stage


def _flag(store: Store, project: Project, release: Release, stage: Stage) -> FlagState:
    return FlagState() if stage.is_hold else provider_of(project, store).look(release.feature, release.environment)


def _flag_or_default(store: Store, project: Project, release: Release, stage: Stage) -> FlagState:
    """Return the flag's state, or the initial one if its feature or environment was deleted: a view must not fail."""
    try:
        return _flag(store, project, release, stage)
    except NotFound:
        return FlagState()
