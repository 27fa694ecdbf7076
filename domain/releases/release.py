"""A release: one feature on its way through one pipeline version."""

import re
from datetime import datetime, timedelta
from typing import Any

from domain.flags.connection import Outage
from domain.flags.flag import Value
from domain.flags.provider import ProviderKind
from domain.model import Frozen, Message, Moment
from domain.pipelines.pipeline import OnConflict
from domain.pipelines.trigger import Trigger
from domain.releases.gate_hold import GateHold
from domain.releases.rollback import PreviousEnd, Rollback
from domain.releases.schedule import remaining, resumes_at
from domain.releases.status import FINISHED, ReleaseStatus, StageOutcome


class Blocked(Message):
    """The reason why a release waits for a person."""

    code: str
    message: str
    since: Moment
    details: dict[str, Any] = {}

    def without_details(self) -> "Blocked":
        """Return the reason without the values of flags, which stay in the database."""
        return self.model_copy(update={"details": {}})


class Paused(Message):
    """A pause. `remaining` is the rest of the wait, zero if the stage was due.

    A stage that waits for a fixed time acts no earlier than `until`: a pause does not move that.
    """

    since: Moment
    remaining: timedelta
    until: Moment | None = None
    by: str = ""
    """The owner who paused it; empty for a pause that 0.1 recorded."""
    reason: str | None = None


class NextStep(Message):
    """The next step of a rollout, due `every` after the previous one was carried out."""

    step: int
    every: timedelta


class NextStage(Message):
    """The stage that a release enters after the current one."""

    index: int
    name: str
    environment: str
    trigger: Trigger
    is_watched: bool = False
    """True if something in the stage is sampled."""


class PipelineRef(Message):
    """The pipeline version that a release runs on."""

    id: str
    key: str
    version: int
    name: str


_OF_ROLLBACK = re.compile(r"/rollback/\d+$")


def release_of_workflow(workflow_id: str) -> str:
    """Return the release id at the end of a workflow id; the workflow id of a rollback only appends to that of its release."""
    return _OF_ROLLBACK.sub("", workflow_id).rpartition("/")[2]


class Release(Frozen):
    """The record of a release: its position, its times, and the owner who is responsible for it."""

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
    provider: ProviderKind = ProviderKind.BUILTIN
    hides_names: bool = False
    """True if Temporal must not learn any name: payloads were encrypted when it was added."""
    outage: Outage | None = None
    """The failure of the last call to the system in which the flag is kept."""

    @property
    def keeps_flags(self) -> bool:
        """True if its flag is kept here, and not in another system."""
        return self.provider is ProviderKind.BUILTIN

    @property
    def is_finished(self) -> bool:
        """True if nothing more will happen to it by itself."""
        return self.status in FINISHED

    @property
    def is_under_way(self) -> bool:
        """True if its own workflow moves it. A release that had ended is rolled back by a separate workflow."""
        return not self.is_finished and not self.is_rolling_back_after_its_end

    @property
    def is_rolling_back_after_its_end(self) -> bool:
        """True if it had ended and a separate workflow is rolling it back."""
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
        """The Temporal workflow id of the release, by which people search for it."""
        return f"release/{self.id}" if self.hides_names else f"release/{self.project}/{self.feature}/{self.id}"

    def started(self, at: datetime, acts_at: datetime) -> "Release":
        """Return a copy that its workflow has started. The sequence stays: the workflow counts from there."""
        return self.model_copy(update={"status": ReleaseStatus.RUNNING, "entered_at": at, "acts_at": acts_at})

    def entered(self, stage: NextStage, at: datetime, write_key: str) -> "Release":
        """Return a copy that has entered that stage, on a new visit."""
        position = {"stage_index": stage.index, "stage": stage.name, "environment": stage.environment, "visit": self.visit + 1, "step": 1}
        acts_at = stage.trigger.due_at(at)
        return self._moves(write_key, entered_at=at, acts_at=acts_at, **position)

    def stepped(self, following: NextStep, at: datetime, write_key: str) -> "Release":
        """Return a copy that has carried out a step of its rollout and waits for the next one."""
        return self._moves(write_key, step=following.step, acts_at=at + following.every)

    def ended(self, status: ReleaseStatus, at: datetime, write_key: str) -> "Release":
        """Return a copy that is finished, with that status."""
        return self._written(write_key, status=status, ended_at=at, acts_at=None, blocked=None, paused=None)

    def blocked_by(self, blocked: Blocked, write_key: str) -> "Release":
        """Return a copy that is blocked. A rollback that was requested stays pending."""
        return self._written(write_key, status=ReleaseStatus.BLOCKED, blocked=blocked, paused=None, acts_at=None, rollback=self.rollback)

    def made_due_now(self, responsible_id: str, at: datetime, write_key: str) -> "Release":
        """Return a copy that is due at once, because a person retried it or cut its wait short. That person is now responsible."""
        return self._moves(write_key, acts_at=at, responsible_id=responsible_id)

    def held_back_by(self, held: GateHold) -> "Release":
        """Return a copy that is held back: its stage is due but may not act yet. The sequence stays, because nothing is decided."""
        return self.model_copy(update={"held": held, "acts_at": held.until})

    def paused_at(self, trigger: Trigger, at: datetime, by: str, write_key: str, reason: str | None = None) -> "Release":
        """Return a copy that is paused. It keeps the rest of its wait, or the whole wait if that has not started."""
        acts_at = at if self.held else self.acts_at or trigger.due_at(at)
        until = acts_at if trigger.is_fixed_time and self.step == 1 and not self.held else None
        paused = Paused(since=at, remaining=remaining(acts_at, at), until=until, by=by, reason=reason)
        return self._written(write_key, status=ReleaseStatus.PAUSED, acts_at=None, paused=paused)

    def resumed(
        self, responsible_id: str, entered_at: datetime, at: datetime, write_key: str, *, left: timedelta | None = None
    ) -> "Release":
        """Return a copy that runs again, with the rest of its wait. `left` is that rest by Temporal's clock, if known."""
        paused = self.paused or Paused(since=at, remaining=timedelta(0))
        acts_at = resumes_at(paused.remaining if left is None else left, at, paused.until)
        return self._moves(write_key, responsible_id=responsible_id, entered_at=self.entered_at or entered_at, acts_at=acts_at)

    def rolling_back(self, rollback: Rollback, write_key: str) -> "Release":
        """Return a copy that is to be rolled back at once."""
        times = {"acts_at": rollback.asked_at, "ended_at": None}
        return self._written(write_key, status=ReleaseStatus.ROLLING_BACK, rollback=rollback, blocked=None, paused=None, **times)

    def rolled_back(self, rollback: Rollback, at: datetime, write_key: str) -> "Release":
        """Return a copy that is rolled back and finished."""
        return self.ended(ReleaseStatus.ROLLED_BACK, at, write_key).model_copy(update={"rollback": rollback})

    def returned_to(self, stage: NextStage, rollback: Rollback, at: datetime, write_key: str) -> "Release":
        """Return a copy that was rolled back to an earlier stage and is paused in the stage that follows that one."""
        paused = self.entered(stage, at, write_key).paused_at(stage.trigger, at, rollback.by.owner, write_key, rollback.reason)
        return paused.model_copy(update={"sequence": self.sequence + 1, "rollback": rollback})

    def ended_as_before(self, rollback: Rollback, ended: PreviousEnd, write_key: str) -> "Release":
        """Return a copy that has ended as before: its rollback was given up, and nothing was reverted."""
        restored = {"status": ReleaseStatus(ended.status), "ended_at": ended.at, "acts_at": None}
        return self._written(write_key, rollback=rollback.given_up(), **restored)

    def with_responsible(self, owner_id: str) -> "Release":
        """Return a copy that from now on acts by the rights of that owner."""
        return self.model_copy(update={"responsible_id": owner_id})

    def _moves(self, write_key: str, **changes: Any) -> "Release":
        return self._written(write_key, status=ReleaseStatus.RUNNING, blocked=None, paused=None, **changes)

    def _written(self, write_key: str, **changes: Any) -> "Release":
        """Return a copy with the next sequence. A pending rollback is given up unless the changes set it."""
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
