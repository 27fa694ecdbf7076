"""What crosses Temporal between the workflow and its activities. None of it is secret."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from domain.access import Person
from domain.flags.change import change_key
from domain.flags.patch import FlagPatch
from domain.model import Message, Moment
from domain.pipelines.gate import Gate
from domain.releases.gate_hold import GateHold
from domain.releases.release import Blocked, NextStage, NextStep, Paused, Release
from domain.releases.rollback import Rollback
from domain.releases.status import ReleaseStatus


class ChangeFlag(Message):
    """Make the change of one stage, or of one step of its rollout, once.

    After it the next step is to come, or else the `next` stage is entered; without one the release is completed.
    """

    project: str
    release: str
    visit: int
    step: int = 1
    sequence: int
    stage: str
    environment: str
    patch: FlagPatch
    overwrite: bool = False
    entered_at: Moment
    acts_at: Moment
    next: NextStage | None = None
    next_step: NextStep | None = None
    gates: tuple[Gate, ...] = ()
    due_at: Moment | None = None

    @property
    def key(self) -> str:
        """The change's natural key."""
        return change_key(self.release, self.visit, self.step)

    @property
    def refusal_key(self) -> str:
        """The write key under which a refusal of this very attempt is recorded."""
        return f"{self.key}/refused/{self.sequence}"


class PutBack(Message):
    """Carry out the `n`th rollback of a release. `next` is the stage in which it stands afterwards, without one for good."""

    project: str
    release: str
    sequence: int
    n: int
    next: NextStage | None = None


class Made(Message):
    """The change is made, now or earlier."""

    kind: Literal["made"] = "made"
    made_at: Moment
    sequence: int


class HeldBack(Message):
    """The stage is due and may not act yet. Nothing is decided: it looks again when it is told to, or when that time has come."""

    kind: Literal["held"] = "held"
    held: GateHold


class Refused(Message):
    """The change is refused, and the release blocked."""

    kind: Literal["refused"] = "refused"
    sequence: int
    blocked: Blocked


class Standing(Message):
    """Where the record of a release stands: what a workflow that was overtaken needs to know."""

    kind: Literal["standing"] = "standing"
    finished: bool
    status: str
    sequence: int
    stage_index: int
    visit: int
    step: int = 1
    entered_at: Moment | None = None
    acts_at: Moment | None = None
    write_key: str = ""
    blocked: Blocked | None = None
    paused: Paused | None = None
    held: GateHold | None = None
    """Where it is held, `acts_at` says when that ends, and no more when it was due."""
    rollback: Rollback | None = None
    """One that is still to be carried out."""

    @property
    def is_own_step(self) -> bool:
        """Whether the last thing written is a step of the workflow's own, by a task that may have been lost before Temporal heard of it."""
        return self.write_key in {f"{kind}/{self.sequence - 1}" for kind in OWN_STEPS}

    @property
    def is_rejected(self) -> bool:
        """Whether a person's no is the last thing written."""
        return self.blocked is not None and self.write_key.startswith("rejected/")


class Recorded(Message):
    """A step is recorded, now or earlier."""

    kind: Literal["recorded"] = "recorded"
    at: Moment
    sequence: int
    blocked: Blocked | None = None
    acts_at: Moment | None = None


class HoldEnded(Message):
    """The wait of a stage without actions is over."""

    kind: Literal["hold_ended"] = "hold_ended"
    entered_at: Moment
    acts_at: Moment
    next: NextStage | None = None
    gates: tuple[Gate, ...] = ()
    due_at: Moment | None = None


class Decision(Message):
    """A person has decided something, and why."""

    by: Person
    reason: str | None = None


class Retried(Decision):
    """A person wants a blocked stage tried again, over what was changed by hand if `overwrite`."""

    kind: Literal["retried"] = "retried"
    overwrite: bool = False


class Resumed(Decision):
    """A person lets the clock of a paused stage go on."""

    kind: Literal["resumed"] = "resumed"
    entered_at: Moment
    left: timedelta | None = None
    """What is left of the wait by Temporal's clock."""


class Advanced(Decision):
    """A person cuts a wait short."""

    kind: Literal["advanced"] = "advanced"


class Skipped(Decision):
    """A person passes over a stage, which does not act."""

    kind: Literal["skipped"] = "skipped"
    next: NextStage | None = None


class Restarted(Decision):
    """A person sends a release back to an earlier stage, or to the beginning of the one it is in; nothing is undone."""

    kind: Literal["restarted"] = "restarted"
    stage: NextStage


class RemovedByTemporal(Message):
    """The workflow was cancelled at Temporal."""

    kind: Literal["removed_by_temporal"] = "removed_by_temporal"
    reason: str | None = None


class Overtaken(Message):
    """The record is ahead of the workflow, which was reset or restored."""

    kind: Literal["overtaken"] = "overtaken"


OWN_STEPS = ("hold_ended", "retried", "resumed", "advanced", "skipped", "restarted", "overtaken")
"""The kinds of steps that a release's workflow records, and that it goes on after."""

Step = HoldEnded | Retried | Resumed | Advanced | Skipped | Restarted | RemovedByTemporal | Overtaken


class RecordProgress(Message):
    """Write one step of a release that changes no flag."""

    project: str
    release: str
    sequence: int
    at: Moment
    step: Step

    @property
    def write_key(self) -> str:
        """What makes writing it twice the same as writing it once; a workflow task that is lost and run again has another `at`."""
        return f"{self.step.kind}/{self.sequence}"

    @property
    def refusal_key(self) -> str:
        """The write key under which a refusal of this very step is recorded."""
        return f"{self.write_key}/refused"


class DeliverWebhook(Message):
    """Deliver what a webhook is to be told now; its last `failures` attempts failed, one after another."""

    project: str
    webhook: str
    failures: int = 0


class Delivered(Message):
    """What was due is delivered, or the receiver failed and is left in peace for the `rest`. What is left is due from `next_at` on."""

    failures: int
    rest: timedelta
    next_at: Moment | None = None


def standing_of(release: Release) -> Standing:
    """Where a release stands, for its own workflow: one that had ended is rolled back without it."""
    place = {
        field: getattr(release, field)
        for field in ("sequence", "stage_index", "visit", "step", "entered_at", "acts_at", "write_key", "paused", "held")
    }
    blocked = release.blocked.without_details() if release.blocked else None
    rollback = release.rollback.without_left_alone() if release.rollback and release.rollback.is_asked else None
    status = rollback.ended.status if rollback and rollback.ended else release.status
    return Standing(finished=not release.is_under_way, status=status, blocked=blocked, rollback=rollback, **place)


def standing_of_none() -> Standing:
    """What a workflow is told whose release has no record, as after a restore of the database: there is nothing left to do."""
    return Standing(finished=True, status=ReleaseStatus.TERMINATED, sequence=0, stage_index=0, visit=0)


def recorded(release: Release, command: RecordProgress) -> Recorded:
    """The step that left a release so, with the time that was written, by whichever attempt."""
    blocked = release.blocked.without_details() if release.blocked else None
    at = _WRITTEN[command.step.kind](release) if command.step.kind in _WRITTEN else None
    return Recorded(at=at or command.at, sequence=release.sequence, blocked=blocked, acts_at=_due_at(release))


def _due_at(release: Release) -> datetime | None:
    """When its stage is due; nothing of one that is held, which was due before: that it acts when it is held no more is another time."""
    return None if release.held else release.acts_at


_WRITTEN: dict[str, Callable[[Release], datetime | None]] = {
    "hold_ended": lambda release: release.ended_at or release.entered_at,
    "skipped": lambda release: release.ended_at or release.entered_at,
    "restarted": lambda release: release.entered_at,
    "retried": _due_at,
    "advanced": _due_at,
}
"""Where the record of a release keeps the time at which a step was written."""
