"""Releases on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, Field, StrictBool, StrictInt

from activities.commands.approve import PendingApproval
from api.schemas.rollbacks import RollbackView
from domain.duration import Duration
from domain.flags.change import Change
from domain.flags.flag import Value
from domain.model import Frozen, Moment
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
    """Why, and where the caller last saw the release; what is not given is not checked."""

    reason: Reason | None = None
    expected_stage: Name | None = None
    expected_visit: StrictInt | None = None

    @property
    def expected(self) -> Expected:
        """The precondition."""
        return Expected(stage=self.expected_stage, visit=self.expected_visit)


class Retry(ControlRequest):
    """Try again; `overwrite` also over what was changed by hand, as it was shown."""

    overwrite: StrictBool = False


class Restart(ControlRequest):
    """Go back to the stage of that name."""

    stage: Name


class RollBack(ControlRequest):
    """Put back what was changed after that stage, or everything; `force` also what somebody changed since."""

    to_stage: Name | None = None
    force: StrictBool = False


class Approve(ControlRequest):
    """Say yes; `shown` is `approval.binds` as it was looked at."""

    shown: str | None = Field(default=None, max_length=64)


class ApprovedBy(BaseModel):
    """One person's yes that counts."""

    owner: str
    at: Moment
    reason: str | None


class ApprovalView(BaseModel):
    """What people are asked for: `binds` names exactly what the stage would apply now, on what is there now."""

    needed: int
    given: list[ApprovedBy]
    binds: str
    applies: list[dict[str, Any]]
    now: dict[str, Any]


class PausedView(BaseModel):
    """Since when the clock stands still, how much of the wait is left, who asked for it, and why."""

    since: Moment
    remaining: Duration
    by: str
    reason: str | None


class BlockedBy(BaseModel):
    """Why the release waits for a person, and which controls help."""

    code: str
    message: str
    since: Moment
    details: dict[str, Any]
    allowed: list[str]


class ChangeView(BaseModel):
    """A change that was made, by the stage or by a rollback; `before` and `after` hold only the fields it named."""

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
    """Where a release stands."""

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
    """A release, whole: its plan and its history."""

    stages: list[PlannedStage]
    rollouts: dict[str, int] = Field(
        description="Environment -> the share in percent at which this release left its rollout, where the flag still has it"
    )
    history: list[VisitView]
    rollback: RollbackView | None
    approval: ApprovalView | None


class ReleaseDetails(NamedTuple):
    """What the record tells of a release beside its row."""

    definition: PipelineDefinition
    runs: Sequence[StageRun]
    changes: Sequence[Change]
    freezes: Sequence[Freeze] = ()
    approval: ApprovalView | None = None
    rollouts: Mapping[str, int] = {}
    is_newest: bool = True


def approval_view(asked: PendingApproval) -> ApprovalView:
    """What people are asked for, and who has said yes."""
    return ApprovalView(
        needed=asked.gate.approvals,
        given=[ApprovedBy(owner=each.owner, at=each.at, reason=each.reason) for each in asked.given],
        binds=asked.binds,
        applies=[patch.model_dump(mode="json") for patch in asked.patches],
        now=asked.now.model_dump(mode="json"),
    )


class Viewer:
    """How releases are shown: at this time, with links to this Temporal Web UI, and by what Temporal told if it was asked."""

    def __init__(self, temporal_ui: str, at: datetime, temporal: TemporalStatus | None = None) -> None:
        self.temporal_ui = temporal_ui
        self.at = at
        self.temporal = temporal

    def summary(self, release: Release, *, is_newest: bool) -> ReleaseSummary:
        """A release in a list; it may be the newest of its feature."""
        return ReleaseSummary(**self._plain(release, is_newest=is_newest))

    def view(self, release: Release, told: ReleaseDetails) -> ReleaseView:
        """A release, whole."""
        definition, runs, changes, freezes, approval, *_ = told
        history = [_visit(run, definition, [change for change in changes if change.visit == run.visit]) for run in runs]
        return ReleaseView(
            **self._plain(release, asks=approval is not None, is_newest=told.is_newest),
            stages=plan_of(release, definition, runs, changes, self.at, freezes),
            rollouts=told.rollouts,
            history=history,
            rollback=self._rollback(release),
            approval=approval,
        )

    def _rollback(self, release: Release) -> RollbackView | None:
        if release.rollback is None:
            return None
        own = release.rollback.model_dump(exclude={"by", "undoes_from", "ended"})
        by, workflow_id = release.rollback.by.owner, release.rollback_workflow_id if release.rollback.ended else release.workflow_id
        return RollbackView(**own, by=by, workflow_id=workflow_id, temporal_url=self._temporal_url(workflow_id))

    def _temporal_url(self, workflow_id: str) -> str:
        return f"{self.temporal_ui}/workflows/{quote(workflow_id, safe='')}"

    def _plain(self, release: Release, *, asks: bool = False, is_newest: bool) -> dict[str, Any]:
        blocked = release.blocked
        asks = asks or (release.held is not None and release.held.code == "approval")
        allowed = allowed_controls(release.status, needs_approval=asks, is_newest=is_newest)
        own = {field: getattr(release, field) for field in ReleaseSummary.model_fields if hasattr(release, field)}
        return own | {
            "status": release.status.value,
            "waiting_for": waiting_for(release, self.at, self.temporal),
            "blocked_by": BlockedBy(**dict(blocked), allowed=allowed) if blocked else None,
            "paused": PausedView(**dict(release.paused)) if release.paused else None,
            "allowed": allowed,
            "temporal_url": self._temporal_url(release.workflow_id),
        }


def _visit(run: StageRun, definition: PipelineDefinition, changes: Iterable[Change]) -> VisitView:
    made = [
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
    own = run.model_dump(exclude={"stage_index"})
    return VisitView(**own, stage=definition.stages[run.stage_index].name, changes=made)
