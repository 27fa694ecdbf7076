"""The checks that can hold a stage back, in the transaction in which the stage would act."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from activities.record.transitions import audit
from activities.store.database import Store
from domain.audit import AuditEvent
from domain.errors import RightMissing, Superseded
from domain.flags.flag import FlagState
from domain.flags.project import Project, Segment
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.gate import Gate, SampledGate, approval_among
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import Stage
from domain.releases.approval import Approval, Proposal, matching_approvals, segments_bound
from domain.releases.gate_hold import GateHold
from domain.releases.gatekeeping import GateFacts, held_by
from domain.releases.release import Release


class DueStage(NamedTuple):
    """A stage that is due, as its workflow knows it."""

    gates: tuple[Gate, ...]
    at: datetime
    due_at: datetime
    step: int = 1
    guardrails: tuple[Guardrail, ...] = ()

    @property
    def is_sampled(self) -> bool:
        """True if a metric or a check decides whether it may act."""
        return bool(self.guardrails) or any(isinstance(gate, SampledGate) for gate in self.gates)


class MetFlag(NamedTuple):
    """The flag that a stage meets, and a function that returns the definitions of segments. A hold meets none."""

    state: FlagState = FlagState()
    definitions_of: Callable[[Collection[str]], Mapping[str, Segment]] = lambda _segments: {}


def hold_back(store: Store, project: Project, release: Release, due: DueStage, flag: MetFlag) -> GateHold | None:
    """Record and return what keeps the stage from acting, or return None if it may act.

    The flag matters only for an approval. Raises ApprovalTimedOut or Superseded.
    """
    hold = held_by(_facts(store, project, release, due, flag))
    if hold and hold != release.held:
        if not store.releases.write_held(release.held_back_by(hold)):
            raise Superseded("The record of the release was changed by another writer.")
        if release.held is None or hold.code != release.held.code:
            audit(store, release, AuditEvent.STAGE_WAITING, due.at, after=hold.model_dump(mode="json"))
    return hold


def current_stage(store: Store, release: Release) -> Stage:
    """Return the stage that the release is in, with its point in time in UTC."""
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    (stage,) = with_fixed_times(stages[release.stage_index : release.stage_index + 1], release.parameters)
    return stage


def proposal_of(release: Release, stage: Stage, flag: MetFlag) -> Proposal:
    """Return what the release's current stage would apply to that flag."""
    proposal = Proposal(stage, release.parameters, release.visit, flag.state)
    return proposal._replace(segments=flag.definitions_of(segments_bound(proposal.patches, flag.state)))


def valid_approvals(store: Store, release: Release, proposal: Proposal) -> list[Approval]:
    """Return the approvals of exactly this proposal, by people who still have the right."""
    given = matching_approvals(store.approvals.of_visit(release.id, release.visit), proposal.binds)
    return _with_right(store, release, given)


def check_still_approved(store: Store, release: Release, gates: tuple[Gate, ...]) -> None:
    """Raise RightMissing if too few of those who approved the rollout still have the right, and the responsible owner lacks it too."""
    gate, given = approval_among(gates), store.approvals.of_visit(release.id, release.visit)
    agreed = [_with_right(store, release, matching_approvals(given, binds)) for binds in {each.binds for each in given}]
    if gate is None or any(len(approvals) >= gate.approvals for approvals in agreed) or _operates(store, release, release.responsible_id):
        return
    message = f"Too few of those who approved '{release.stage}' still have the right to change flags in {release.environment}."
    raise RightMissing(f"{message} Anyone who has it can retry.", environment=release.environment)


def _with_right(store: Store, release: Release, approvals: list[Approval]) -> list[Approval]:
    return [each for each in approvals if _operates(store, release, each.owner_id)]


def _operates(store: Store, release: Release, owner_id: str) -> bool:
    return store.keys.owner(owner_id)[1].operates(release.project, release.environment)


def _facts(store: Store, project: Project, release: Release, due: DueStage, flag: MetFlag) -> GateFacts:
    stops = [stop for stop in store.stops.standing(project.id, due.at) if stop.covers(release.environment, release.pipeline.key)]
    needs_approval = approval_among(due.gates) is not None and due.step == 1
    proposal = proposal_of(release, current_stage(store, release), flag) if needs_approval else None
    approvals = valid_approvals(store, release, proposal) if proposal else []
    return GateFacts(
        stage=release.stage,
        environment=release.environment,
        gates=due.gates,
        at=due.at,
        due_at=due.due_at,
        stops=stops,
        freezes=store.freezes.ahead(project.id, due.at),
        approvals=approvals,
        step=due.step,
        guardrails=due.guardrails,
        observed=store.evidence.observed(release.id, release.visit) if due.is_sampled else {},
    )
