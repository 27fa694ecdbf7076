"""What crosses Temporal between the API and the workflow of a release."""

from datetime import datetime, timedelta

from domain.access import Person
from domain.flags.flag import Value
from domain.model import Message, Moment
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.pipeline import OnConflict, Pipeline, Stage
from domain.releases.control import Expected
from domain.releases.gate_hold import GateHold
from domain.releases.release import Blocked, Paused, PipelineRef, Release
from domain.releases.rollback import Rollback

TASK_QUEUE = "flaghoist"
RELEASE = "Release"
ROLLBACK = "Rollback"
WEBHOOK = "Webhook"
WEBHOOK_QUEUE = "flaghoist-webhooks"
"""A task queue of its own, with slots of its own: a slow receiver never takes one from a release."""
WAKE = "wake"
LOOK_AGAIN = "look_again"
ROLL_OVER = "roll_over"

REMEMBERED_UPDATES = 100
"""How many settled updates a workflow knows again after it continued as new."""


class ReleasePlace(Message):
    """Where a release stands, as its workflow knows it."""

    index: int
    visit: int
    step: int = 1
    sequence: int
    entered_at: Moment
    acts_at: Moment
    blocked: Blocked | None = None
    held: GateHold | None = None
    paused: Paused | None = None
    left: timedelta | None = None
    """Of a wait that is paused, by Temporal's clock."""
    rollback: Rollback | None = None
    skipped: tuple[int, ...] = ()
    settled: tuple[str, ...] = ()

    def moved(self, **changes: object) -> "ReleasePlace":
        """The same place, in part changed."""
        return self.model_copy(update=changes)


class ReleaseInput(Message):
    """What a release's workflow is started with; it never reads the pipeline again."""

    release: str
    project: str
    feature: str
    pipeline: PipelineRef
    stages: tuple[Stage, ...]
    on_conflict: OnConflict
    starting_stage: int
    parameters: dict[str, Value] = {}
    added_by: str
    place: ReleasePlace | None = None


class RollbackInput(Message):
    """What the workflow is started with that rolls back a release which had ended."""

    release: str
    project: str
    feature: str
    pipeline: PipelineRef
    stage: str
    environment: str
    sequence: int
    rollback: Rollback


class WebhookInput(Message):
    """What the workflow is started with that delivers to one webhook."""

    project: str
    webhook: str
    failures: int = 0

    @property
    def workflow_id(self) -> str:
        """Each webhook has one workflow at a time."""
        return f"webhook/{self.project}/{self.webhook}"


class SteerRelease(Message):
    """A person decides something about a release, where they last saw it."""

    by: Person
    reason: str | None = None
    expected: Expected = Expected()


class RetryRelease(SteerRelease):
    """A person wants a blocked stage tried again."""

    overwrite: bool = False


class RestartRelease(SteerRelease):
    """A person sends a release back to an earlier stage, or to the beginning of the one it is in."""

    stage: str


class RecordedDecision(Message):
    """What was decided in the record of a release, by whom and why."""

    event: str
    by: str | None = None
    reason: str | None = None


class ReleaseResult(Message):
    """How the workflow of a release ended."""

    status: str


def release_input(release: Release, pipeline: Pipeline) -> ReleaseInput:
    """What the workflow of a release on that pipeline version is started with."""
    return ReleaseInput(
        release=release.id,
        project=release.project,
        feature=release.feature,
        pipeline=release.pipeline,
        stages=with_fixed_times(pipeline.definition.stages, release.parameters),
        parameters=release.parameters,
        on_conflict=release.on_conflict,
        starting_stage=release.starting_stage,
        added_by=release.added_by,
    )


def rollback_input(release: Release, rollback: Rollback) -> RollbackInput:
    """What the workflow is started with that rolls back a release which had ended."""
    return RollbackInput(
        release=release.id,
        project=release.project,
        feature=release.feature,
        pipeline=release.pipeline,
        stage=release.stage,
        environment=release.environment,
        sequence=release.sequence,
        rollback=rollback.without_left_alone(),
    )


def in_words(moment: datetime) -> str:
    """A point in time for people who read the Temporal Web UI."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
