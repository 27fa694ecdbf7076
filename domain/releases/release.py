"""A release: one feature on its way through one pipeline version."""

from datetime import datetime, timedelta
from typing import Any

from domain.flags.flag import Value
from domain.model import Frozen, Message, Moment
from domain.pipelines.pipeline import OnConflict
from domain.pipelines.trigger import Trigger
from domain.releases.gate_hold import GateHold
from domain.releases.rollback import PreviousEnd, Rollback
from domain.releases.schedule import remaining, resumes_at
from domain.releases.status import FINISHED, ReleaseStatus, StageOutcome


class Blocked(Message):
    """Why a release waits for a person."""

    code: str
    message: str
    since: Moment
    details: dict[str, Any] = {}

    def without_details(self) -> "Blocked":
        """The reason alone: what flags hold stays in the database."""
        return self.model_copy(update={"details": {}})


class Paused(Message):
    """The clock of the wait stands still; `remaining` of it is left, none where the stage was due.

    A stage that waits for a point in time waits `until` then all the same: that does not move.
    """

    since: Moment
    remaining: timedelta
    until: Moment | None = None
    by: str = ""
    """Who asked for it; unknown of a pause that 0.1 recorded."""
    reason: str | None = None


class NextStep(Message):
    """The step that a rollout takes next, so long after the one before was made."""

    step: int
    every: timedelta


class NextStage(Message):
    """The stage that a release enters when it is done with this one."""

    index: int
    name: str
    environment: str
    trigger: Trigger


class PipelineRef(Message):
    """Which pipeline version a release runs on."""

    id: str
    key: str
    version: int
    name: str


class Release(Frozen):
    """The record of a release: where it stands and who answers for it."""

    id: str
    project: str
    feature: str
    pipeline: PipelineRef
    status: ReleaseStatus
    stage_index: int
    stage: str
    environment: str
    visit: int
    step: int = 1
    sequence: int
    write_key: str
    parameters: dict[str, Value] = {}
    starting_stage: int
    on_conflict: OnConflict
    added_at: Moment
    added_by: str
    added_by_id: str = ""
    responsible: str
    responsible_id: str
    entered_at: Moment | None = None
    acts_at: Moment | None = None
    ended_at: Moment | None = None
    blocked: Blocked | None = None
    paused: Paused | None = None
    held: GateHold | None = None
    rollback: Rollback | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in FINISHED

    @property
    def is_under_way(self) -> bool:
        """Whether its own workflow moves it: one that had ended is rolled back by another."""
        return not self.is_finished and not self.is_rolling_back_after_its_end

    @property
    def is_rolling_back_after_its_end(self) -> bool:
        """Whether it had ended, and a workflow made for it puts back what it changed."""
        return self.status is ReleaseStatus.ROLLING_BACK and self.rollback is not None and self.rollback.ended is not None

    @property
    def moved_by(self) -> str:
        """The id of the Temporal workflow that moves it now."""
        return self.rollback_workflow_id if self.is_rolling_back_after_its_end else self.workflow_id

    @property
    def rollback_workflow_id(self) -> str:
        """The Temporal workflow id of its latest rollback, if it had ended before."""
        return f"{self.workflow_id}/rollback/{self.rollback.n if self.rollback else 0}"

    @property
    def workflow_id(self) -> str:
        """The Temporal workflow id of the release; people search for it."""
        return f"release/{self.project}/{self.feature}/{self.id}"

    def started(self, at: datetime, acts_at: datetime) -> "Release":
        """Its workflow has started. This alone leaves the sequence: the workflow counts from there."""
        return self.model_copy(update={"status": ReleaseStatus.RUNNING, "entered_at": at, "acts_at": acts_at})

    def entered(self, stage: NextStage, at: datetime, write_key: str) -> "Release":
        """It has entered another stage, on a new visit."""
        place = {"stage_index": stage.index, "stage": stage.name, "environment": stage.environment, "visit": self.visit + 1, "step": 1}
        acts_at = stage.trigger.due_at(at)
        return self._moves(write_key, entered_at=at, acts_at=acts_at, **place)

    def stepped(self, following: NextStep, at: datetime, write_key: str) -> "Release":
        """One step of its rollout is made, and the next one is to come."""
        return self._moves(write_key, step=following.step, acts_at=at + following.every)

    def ended(self, status: ReleaseStatus, at: datetime, write_key: str) -> "Release":
        """Nothing more will happen to it."""
        return self._written(write_key, status=status, ended_at=at, acts_at=None, blocked=None, paused=None)

    def blocked_by(self, blocked: Blocked, write_key: str) -> "Release":
        """It waits for a person. A rollback that was asked for is still to be carried out."""
        return self._written(write_key, status=ReleaseStatus.BLOCKED, blocked=blocked, paused=None, acts_at=None, rollback=self.rollback)

    def made_due_now(self, responsible_id: str, at: datetime, write_key: str) -> "Release":
        """A person has answered for trying again, or for waiting no longer: it acts at once."""
        return self._moves(write_key, acts_at=at, responsible_id=responsible_id)

    def held_back_by(self, held: GateHold) -> "Release":
        """Its stage is due and may not act yet. This alone leaves the sequence: nothing is decided."""
        return self.model_copy(update={"held": held, "acts_at": held.until})

    def paused_at(self, trigger: Trigger, at: datetime, by: str, write_key: str, reason: str | None = None) -> "Release":
        """The clock of its wait stands still; one that has not started keeps the whole wait."""
        acts_at = at if self.held else self.acts_at or trigger.due_at(at)
        until = acts_at if trigger.is_fixed_time and self.step == 1 and not self.held else None
        paused = Paused(since=at, remaining=remaining(acts_at, at), until=until, by=by, reason=reason)
        return self._written(write_key, status=ReleaseStatus.PAUSED, acts_at=None, paused=paused)

    def resumed(
        self, responsible_id: str, entered_at: datetime, at: datetime, write_key: str, *, left: timedelta | None = None
    ) -> "Release":
        """The clock goes on, with what is left by Temporal's clock where that is known."""
        paused = self.paused or Paused(since=at, remaining=timedelta(0))
        acts_at = resumes_at(paused.remaining if left is None else left, at, paused.until)
        return self._moves(write_key, responsible_id=responsible_id, entered_at=self.entered_at or entered_at, acts_at=acts_at)

    def rolling_back(self, rollback: Rollback, write_key: str) -> "Release":
        """What it changed is to be put back, at once."""
        times = {"acts_at": rollback.asked_at, "ended_at": None}
        return self._written(write_key, status=ReleaseStatus.ROLLING_BACK, rollback=rollback, blocked=None, paused=None, **times)

    def rolled_back(self, rollback: Rollback, at: datetime, write_key: str) -> "Release":
        """What it changed is put back, and nothing more will happen to it."""
        return self.ended(ReleaseStatus.ROLLED_BACK, at, write_key).model_copy(update={"rollback": rollback})

    def returned_to(self, stage: NextStage, rollback: Rollback, at: datetime, write_key: str) -> "Release":
        """What was done after an earlier stage is put back: it waits, paused, in the stage after that one."""
        waits = self.entered(stage, at, write_key).paused_at(stage.trigger, at, rollback.by.owner, write_key, rollback.reason)
        return waits.model_copy(update={"sequence": self.sequence + 1, "rollback": rollback})

    def ended_as_before(self, rollback: Rollback, ended: PreviousEnd, write_key: str) -> "Release":
        """It had ended when it was to be rolled back, and nothing was put back."""
        restored = {"status": ReleaseStatus(ended.status), "ended_at": ended.at, "acts_at": None}
        return self._written(write_key, rollback=rollback.given_up(), **restored)

    def with_responsible(self, owner_id: str) -> "Release":
        """From now on it acts by that owner's rights."""
        return self.model_copy(update={"responsible_id": owner_id})

    def _moves(self, write_key: str, **changes: Any) -> "Release":
        return self._written(write_key, status=ReleaseStatus.RUNNING, blocked=None, paused=None, **changes)

    def _written(self, write_key: str, **changes: Any) -> "Release":
        """Whatever is not about a rollback that was asked for means that it is given up."""
        rollback = self.rollback.given_up() if self.rollback and self.rollback.is_asked else self.rollback
        return self.model_copy(
            update={"rollback": rollback, "held": None} | changes | {"sequence": self.sequence + 1, "write_key": write_key}
        )


class StageRun(Frozen):
    """One visit of a release to one stage."""

    visit: int
    stage_index: int
    outcome: StageOutcome
    entered_at: Moment | None = None
    acts_at: Moment | None = None
    acted_at: Moment | None = None
