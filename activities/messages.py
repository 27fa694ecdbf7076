"""The messages between workflows and activities. None of them contains secrets: Temporal stores them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from domain.access import Person
from domain.flags.change import Change, change_key
from domain.flags.patch import FlagPatch
from domain.flags.patch_text import patch_in_words
from domain.model import Message, Moment
from domain.pipelines.gate import Gate
from domain.pipelines.guardrail import Guardrail
from domain.releases.gate_hold import GateHold
from domain.releases.release import Blocked, NextStage, NextStep, Paused, Release
from domain.releases.rollback import Rollback
from domain.releases.status import ReleaseStatus


class ReleaseCommand(Message):
    """A command from the workflow of a release, or of its rollback, to an activity."""

    release: str
    first_run: str | None = None
    """The run id that the workflow had before any reset. The activity compares it with the run that asks."""


class ReadStanding(ReleaseCommand):
    """Read the state of a release's record."""


class ChangeFlag(ReleaseCommand):
    """Make the change of one stage, or of one step of its ramp, once.

    Then the ramp waits for `next_step`, or else the release enters the `next` stage. Without either it is completed.
    """

    project: str
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
    guardrails: tuple[Guardrail, ...] = ()
    """Those that are in force in the stage."""
    ships_winner: bool = False
    """True if the patch depends on the decision of the release's experiment."""
    ramps_winner: bool = False
    """True if the steps ship the winner. Shipping the control ends them, so `next` is given beside `next_step`."""
    due_at: Moment | None = None
    elsewhere: bool = False
    """True if the flag is kept in another system."""
    at: Moment | None = None
    """The time by Temporal's clock at which a local attempt was scheduled. None for a regular one, which is given its time."""

    @property
    def key(self) -> str:
        """The natural key of the change."""
        return change_key(self.release, self.visit, self.step)

    @property
    def following(self) -> NextStep | None:
        """The next step, unless this change ends the ramp because it ships the control."""
        return None if self.ramps_winner and self.patch.allocation == {} else self.next_step

    @property
    def refusal_key(self) -> str:
        """The write key under which a refusal of this attempt is recorded."""
        return f"{self.key}/refused/{self.sequence}"


class PutBack(ReleaseCommand):
    """Carry out the `n`th rollback of a release. Then it enters the `next` stage; without one it ends as rolled back."""

    project: str
    sequence: int
    n: int
    next: NextStage | None = None
    elsewhere: bool = False
    """True if the flag is kept in another system."""


class Made(Message):
    """The change is recorded, by this attempt or an earlier one."""

    kind: Literal["made"] = "made"
    made_at: Moment
    sequence: int
    text: str = ""
    """The change in words, for people who look at the history."""
    ends_ramp: bool = False
    """True if no step follows, although the stage has more."""


def made_of(change: Change, command: ChangeFlag) -> Made:
    """Return the answer to an attempt whose change is recorded. The command has the same patch."""
    words = patch_in_words(change.patch)
    changed, unchanged = f"Changed {change.feature} in {change.environment}: ", f"{change.feature} in {change.environment} is so already: "
    text = f"{changed if change.changed_anything else unchanged}{words}."
    return Made(made_at=change.made_at, sequence=change.sequence, text=text, ends_ramp=command.following != command.next_step)


class HeldBack(Message):
    """The stage is due, and something keeps it from acting. The workflow tries again when it is woken, or at the time in `held`."""

    kind: Literal["held"] = "held"
    held: GateHold


class Refused(Message):
    """The change is refused, and the release is blocked."""

    kind: Literal["refused"] = "refused"
    sequence: int
    blocked: Blocked


class Standing(Message):
    """The state of a release's record, for a workflow that the record is ahead of."""

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
    """While held, `acts_at` is when the hold ends, not when the stage was due."""
    rollback: Rollback | None = None
    """The pending rollback, if there is one."""
    was_reset: bool = False
    """True if the run that asked came from a reset. Answers of 0.1 don't say, and count as those of a first run."""

    @property
    def is_own_step(self) -> bool:
        """True if the last write is one of the workflow's own steps, whose workflow task may then have been lost."""
        return self.write_key in {f"{kind}/{self.sequence - 1}" for kind in OWN_STEPS}

    @property
    def is_rejected(self) -> bool:
        """True if the last write is a person's rejection."""
        return self.blocked is not None and self.write_key.startswith("rejected/")


class Recorded(Message):
    """The step is recorded, by this attempt or an earlier one."""

    kind: Literal["recorded"] = "recorded"
    at: Moment
    sequence: int
    blocked: Blocked | None = None
    acts_at: Moment | None = None


class HoldEnded(Message):
    """End the wait of a stage without actions."""

    kind: Literal["hold_ended"] = "hold_ended"
    entered_at: Moment
    acts_at: Moment
    next: NextStage | None = None
    gates: tuple[Gate, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    due_at: Moment | None = None


class Decision(Message):
    """A person's decision about a release, and the reason for it."""

    by: Person
    reason: str | None = None


class Retried(Decision):
    """Retry a blocked stage. With `overwrite` it replaces what was changed by hand."""

    kind: Literal["retried"] = "retried"
    overwrite: bool = False


class Resumed(Decision):
    """Resume the wait of a paused stage."""

    kind: Literal["resumed"] = "resumed"
    entered_at: Moment
    left: timedelta | None = None
    """The rest of the wait, by Temporal's clock."""


class Advanced(Decision):
    """End a wait early."""

    kind: Literal["advanced"] = "advanced"


class Skipped(Decision):
    """Skip a stage, which then does not act."""

    kind: Literal["skipped"] = "skipped"
    next: NextStage | None = None


class Restarted(Decision):
    """Move a release back to an earlier stage, or to the beginning of its current one. Nothing is undone."""

    kind: Literal["restarted"] = "restarted"
    stage: NextStage


class RemovedByTemporal(Message):
    """Remove the release, because its workflow was cancelled in Temporal."""

    kind: Literal["removed_by_temporal"] = "removed_by_temporal"
    reason: str | None = None


class Overtaken(Message):
    """Block the release: its record is ahead of the workflow, which was reset or restored."""

    kind: Literal["overtaken"] = "overtaken"


OWN_STEPS = ("hold_ended", "retried", "resumed", "advanced", "skipped", "restarted", "overtaken")
"""The kinds of steps that a release's workflow records and continues after."""

Step = HoldEnded | Retried | Resumed | Advanced | Skipped | Restarted | RemovedByTemporal | Overtaken


class RecordProgress(ReleaseCommand):
    """Record one step of a release that changes no flag."""

    project: str
    sequence: int
    at: Moment
    step: Step

    @property
    def write_key(self) -> str:
        """The natural key of the write. It leaves out `at`, which differs when a lost workflow task is run again."""
        return f"{self.step.kind}/{self.sequence}"

    @property
    def refusal_key(self) -> str:
        """The write key under which a refusal of this step is recorded."""
        return f"{self.write_key}/refused"


def standing_of(release: Release) -> Standing:
    """Return the state of a release for its own workflow.

    A rollback after the release's end has another workflow, so to this one the release is finished.
    """
    fields = {
        field: getattr(release, field)
        for field in ("sequence", "stage_index", "visit", "step", "entered_at", "acts_at", "write_key", "paused", "held")
    }
    blocked = release.blocked.without_details() if release.blocked else None
    rollback = release.rollback.without_left_alone() if release.rollback and release.rollback.is_asked else None
    status = rollback.ended.status if rollback and rollback.ended else release.status
    return Standing(finished=not release.is_under_way, status=status, blocked=blocked, rollback=rollback, **fields)


def standing_without_record() -> Standing:
    """Return the state for a release without a record, as after a restore of the database: its workflow has nothing left to do."""
    return Standing(finished=True, status=ReleaseStatus.TERMINATED, sequence=0, stage_index=0, visit=0)


def recorded_step(release: Release, command: RecordProgress) -> Recorded:
    """Return the answer to a step that is on the record, with the time that the first attempt wrote."""
    blocked = release.blocked.without_details() if release.blocked else None
    at = _WRITTEN[command.step.kind](release) if command.step.kind in _WRITTEN else None
    return Recorded(at=at or command.at, sequence=release.sequence, blocked=blocked, acts_at=_due_at(release))


def _due_at(release: Release) -> datetime | None:
    """Return when the stage is due, or None if it is held: then `acts_at` is when the hold ends."""
    return None if release.held else release.acts_at


_WRITTEN: dict[str, Callable[[Release], datetime | None]] = {
    "hold_ended": lambda release: release.ended_at or release.entered_at,
    "skipped": lambda release: release.ended_at or release.entered_at,
    "restarted": lambda release: release.entered_at,
    "retried": _due_at,
    "advanced": _due_at,
}
"""Step -> the time of its write, from the record of its release."""
