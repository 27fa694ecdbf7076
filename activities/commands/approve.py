"""Approving and rejecting what a stage would apply. The record alone decides it, so it holds while Temporal or every worker is down."""

from datetime import datetime
from typing import NamedTuple

from activities.providers.catalogue import provider_of
from activities.record.gates import approvals_that_count, stage_of
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
    """Which release, why, where the caller last saw it, and what they were shown would be applied."""

    release: str
    reason: str | None = None
    expected: Expected = Expected()
    shown: str | None = None


class PendingApproval(NamedTuple):
    """What a stage asks people for: what it would apply, on what is there now, and who has said yes to exactly that."""

    gate: ApprovalGate
    given: list[Approval]
    binds: str
    patches: list[FlagPatch]
    now: FlagPatch


def pending_approval(store: Store, project: Project, release: Release) -> PendingApproval | None:
    """What people are asked for in the stage where the release stands; nothing where it asks nobody, or asked before its first step."""
    stage = stage_of(store, release)
    if stage.approval is None or release.step > 1:
        return None
    now = _seen(store, project, release, stage)
    patches = [] if stage.is_hold else [stage.patch(release.parameters, step) for step in range(1, stage.steps + 1)]
    return PendingApproval(
        gate=stage.approval,
        given=approvals_that_count(store, release, stage, now),
        binds=approval_digest(stage, release.parameters, release.visit, now),
        patches=patches,
        now=patches[0].expanded(now).seen_in(now) if patches else FlagPatch(),
    )


def approve_release(store: Store, caller: Caller, project: Project, wanted: DecideOnRelease, at: datetime) -> Release:
    """Write a person's yes to exactly what the stage would apply now.

    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved, NothingToApprove, ApprovalMoved or AlreadyApproved.
    """
    release, stage = _to_decide(store, caller, project, wanted, Control.APPROVE)
    now = _flag(store, project, release, stage)
    what = approval_digest(stage, release.parameters, release.visit, now)
    if wanted.shown not in (None, what):
        raise ApprovalMoved("What would be applied has changed since it was shown: look at it again.", shown=wanted.shown, binds=what)
    check_not_approved(approvals_that_count(store, release, stage, now), caller)
    yes = Approval(
        id=new_id(), visit=release.visit, owner=caller.owner.name, owner_id=caller.owner_id, binds=what, at=at, reason=wanted.reason
    )
    store.approvals.add(yes, release.id)
    audit(store, release, AuditEvent.RELEASE_APPROVED, at, actor=by_key(caller), reason=wanted.reason, after={"binds": what})
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return release


def reject_release(store: Store, caller: Caller, project: Project, wanted: DecideOnRelease, at: datetime) -> Release:
    """Block the release by a person's no. All approvals of the visit lapse: a retry asks anew.

    Raises NotFound, NotAllowed, ControlNotAllowed, StageMoved or NothingToApprove.
    """
    release, _ = _to_decide(store, caller, project, wanted, Control.REJECT)
    store.approvals.lapse(release.id, release.visit, at)
    audit(store, release, AuditEvent.RELEASE_REJECTED, at, actor=by_key(caller), reason=wanted.reason)
    why = f": {wanted.reason}" if wanted.reason else ""
    refusal = Rejected(f"{caller.owner.name} rejected '{release.stage}'{why}.", by=caller.owner.name)
    block(store, release, refusal, at, f"rejected/{release.sequence}")
    store.outbox.add(OutboxKind.LOOK_AGAIN, release.id)
    return store.releases.get(release.id)


def _to_decide(store: Store, caller: Caller, project: Project, wanted: DecideOnRelease, control: Control) -> tuple[Release, Stage]:
    release = store.releases.get(wanted.release, project.id, lock=True)
    caller.must_operate(project.key, [release.environment])
    stage = stage_of(store, release)
    check_allowed(control, release.status)
    wanted.expected.check(release.stage, release.visit)
    check_may_decide(gate_to_approve(stage, release.step), caller, release.added_by_id)
    return release, stage


def _seen(store: Store, project: Project, release: Release, stage: Stage) -> FlagState:
    """The flag as it is now, for those who only look; as nobody ever set it, where it is gone."""
    if stage.is_hold:
        return FlagState()
    try:
        feature, environment = store.features.get(release.feature, project.id), store.environments.get(release.environment, project.id)
    except NotFound:
        return FlagState()
    return store.features.state(feature, environment)


def _flag(store: Store, project: Project, release: Release, stage: Stage) -> FlagState:
    return FlagState() if stage.is_hold else provider_of(project, store).read(release.feature, release.environment)
