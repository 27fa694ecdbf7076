"""Request and response bodies of releases."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, Field, StrictBool, StrictInt

from activities.commands.approve import PendingApproval
from api.schemas.projects import SegmentSummary
from api.schemas.rollbacks import RollbackView
from domain.duration import Duration
from domain.flags.change import Change
from domain.flags.flag import Value
from domain.model import Frozen, Moment
from domain.percentage import Percentage
from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import PipelineDefinition
from domain.releases.control import Expected, allowed_controls
from domain.releases.plan import PlannedStage, plan_of
from domain.releases.release import PipelineRef, Release, StageRun
from domain.releases.status import StageOutcome
from domain.releases.waiting import WaitingFor, waiting_for
from domain.system import TemporalStatus
from domain.text import Name, Reason


class ControlRequest(Frozen):
    """The reason for a control, and the stage, visit and step that the caller expects. What is not given is not checked."""

    reason: Reason | None = None
    expected_stage: Name | None = None
    expected_visit: StrictInt | None = None
    expected_step: StrictInt | None = Field(default=None, description="`step` of the release: the step of its ramp that acts next")

    @property
    def expected(self) -> Expected:
        """The expected stage, visit and step."""
        return Expected(stage=self.expected_stage, visit=self.expected_visit, step=self.expected_step)


class Retry(ControlRequest):
    """A retry. `overwrite` also replaces manual changes, provided they are the ones that were shown."""

    overwrite: StrictBool = False


class Restart(ControlRequest):
    """A restart from the stage with this name."""

    stage: Name


class RollBack(ControlRequest):
    """A rollback of the changes after a stage, or of all changes. `force` also restores fields that were changed manually since."""

    to_stage: Name | None = None
    force: StrictBool = False


class Approve(ControlRequest):
    """An approval. `shown` is the `approval.binds` that the person looked at."""

    shown: str | None = Field(default=None, max_length=64)


class ApprovedBy(BaseModel):
    """The approval of one person, which counts."""

    owner: str
    at: Moment
    reason: str | None


class ApprovalView(BaseModel):
    """A pending approval. `binds` identifies exactly what the stage would apply now, and the current state of the fields it changes.

    `segments` has the rules of the segments that decide whom the change reaches.
    """

    needed: int
    given: list[ApprovedBy]
    binds: str
    applies: list[dict[str, Any]]
    now: dict[str, Any]
    segments: list[SegmentSummary]


class PausedView(BaseModel):
    """A pause: its start, the remaining wait, who paused the release, and why."""

    since: Moment
    remaining: Duration
    by: str
    reason: str | None


class BlockedBy(BaseModel):
    """The reason why the release is blocked, and the controls that resolve it."""

    code: str
    message: str
    since: Moment
    details: dict[str, Any]
    allowed: list[str]


class ChangeView(BaseModel):
    """A change by a stage or by a rollback. `before` and `after` contain only the fields that it named."""

    environment: str
    step: int
    before: dict[str, Any]
    after: dict[str, Any]
    made_at: Moment
    rolls_back: bool


class VisitView(BaseModel):
    """One visit to a stage."""

    visit: int
    stage: str
    outcome: StageOutcome
    entered_at: Moment | None
    acts_at: Moment | None
    acted_at: Moment | None
    changes: list[ChangeView]


class ReleaseSummary(BaseModel):
    """The current state of a release."""

    id: str
    feature: str
    pipeline: PipelineRef
    status: str
    stage: str
    stage_index: int
    environment: str
    visit: int
    step: int
    parameters: dict[str, Value]
    on_conflict: str
    added_at: Moment
    added_by: str
    responsible: str
    entered_at: Moment | None
    acts_at: Moment | None
    ended_at: Moment | None
    waiting_for: WaitingFor | None
    blocked_by: BlockedBy | None
    paused: PausedView | None
    allowed: list[str]
    workflow_id: str
    temporal_url: str


class ReleaseView(ReleaseSummary):
    """A release with its plan and its history."""

    stages: list[PlannedStage]
    rollouts: dict[str, Percentage] = Field(
        description="The rollout shares in percent that this release left and the flag still has, by environment"
    )
    history: list[VisitView]
    rollback: RollbackView | None
    approval: ApprovalView | None


class ReleaseDetails(NamedTuple):
    """The parts of a release's record outside its row."""

    definition: PipelineDefinition
    runs: Sequence[StageRun]
    changes: Sequence[Change]
    freezes: Sequence[Freeze] = ()
    approval: ApprovalView | None = None
    rollouts: Mapping[str, Percentage] = {}
    is_newest: bool = True


def approval_view(pending: PendingApproval) -> ApprovalView:
    """Return the view of a pending approval."""
    return ApprovalView(
        needed=pending.gate.approvals,
        given=[ApprovedBy(owner=each.owner, at=each.at, reason=each.reason) for each in pending.given],
        binds=pending.proposal.binds,
        applies=[patch.model_dump(mode="json") for patch in pending.proposal.patches],
        now=pending.proposal.current.model_dump(mode="json"),
        segments=[SegmentSummary.model_validate(each) for _, each in sorted(pending.proposal.segments.items())],
    )


class Viewer:
    """Builds the views of releases at this time, with links to the Temporal Web UI and the state of Temporal if it is known."""

    def __init__(self, temporal_ui: str, at: datetime, temporal: TemporalStatus | None = None) -> None:
        self.temporal_ui = temporal_ui
        self.at = at
        self.temporal = temporal

    def summary(self, release: Release, *, is_newest: bool) -> ReleaseSummary:
        """Return a release as a list item. `is_newest` is true for the newest release of its feature."""
        return ReleaseSummary(**self._fields(release, is_newest=is_newest))

    def view(self, release: Release, details: ReleaseDetails) -> ReleaseView:
        """Return the view of one release."""
        definition, runs, changes, freezes, approval, *_ = details
        history = [_visit(run, definition, [change for change in changes if change.visit == run.visit]) for run in runs]
        return ReleaseView(
            **self._fields(release, needs_approval=approval is not None, is_newest=details.is_newest),
            stages=plan_of(release, definition, runs, changes, self.at, freezes),
            rollouts=details.rollouts,
            history=history,
            rollback=self._rollback(release),
            approval=approval,
        )

    def _rollback(self, release: Release) -> RollbackView | None:
        if release.rollback is None:
            return None
        fields = release.rollback.model_dump(exclude={"by", "undoes_from", "ended"})
        by, workflow_id = release.rollback.by.owner, release.rollback_workflow_id if release.rollback.ended else release.workflow_id
        return RollbackView(**fields, by=by, workflow_id=workflow_id, temporal_url=self._temporal_url(workflow_id))

    def _temporal_url(self, workflow_id: str) -> str:
        return f"{self.temporal_ui}/workflows/{quote(workflow_id, safe='')}"

    def _fields(self, release: Release, *, needs_approval: bool = False, is_newest: bool) -> dict[str, Any]:
        blocked = release.blocked
        needs_approval = needs_approval or (release.held is not None and release.held.code == "approval")
        allowed = allowed_controls(release.status, needs_approval=needs_approval, is_newest=is_newest)
        same = {field: getattr(release, field) for field in ReleaseSummary.model_fields if hasattr(release, field)}
        return same | {
            "status": release.status.value,
            "waiting_for": waiting_for(release, self.at, self.temporal),
            "blocked_by": BlockedBy(**dict(blocked), allowed=allowed) if blocked else None,
            "paused": PausedView(**dict(release.paused)) if release.paused else None,
            "allowed": allowed,
            "temporal_url": self._temporal_url(release.workflow_id),
        }


def _visit(run: StageRun, definition: PipelineDefinition, changes: Iterable[Change]) -> VisitView:
    views = [
        ChangeView(
            environment=change.environment,
            step=change.step,
            before=change.before.model_dump(mode="json"),
            after=change.after.model_dump(mode="json"),
            made_at=change.made_at,
            rolls_back=change.undoes_from is not None,
        )
        for change in changes
    ]
    fields = run.model_dump(exclude={"stage_index"})
    return VisitView(**fields, stage=definition.stages[run.stage_index].name, changes=views)
