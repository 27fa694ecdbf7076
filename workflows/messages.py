"""Messages that cross Temporal between the API and the workflows."""

from datetime import datetime, timedelta
from typing import Literal

from domain.access import Person
from domain.flags.flag import Value
from domain.model import Message, Moment
from domain.pipelines.binding import with_fixed_times
from domain.pipelines.guardrail import Guardrail
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
"""A separate task queue with its own slots: a slow receiver never takes a slot from a release."""
WATCH_QUEUE = "flaghoist-watch"
"""A separate task queue for the watches of stages: each takes a slot for as long as a flag is in its stage."""
WAKE = "wake"
LOOK_AGAIN = "look_again"
ROLL_OVER = "roll_over"

STARTED_BY = "started-by-0.2"
"""The patch id that a run asks for once, as it starts. A run that has it needs no other patch: see CONTRIBUTING.md."""

CHANGES_LOCALLY = "changes-locally"
"""The patch id of releases that try each change within a workflow task first. A run that has it does not ask for `STARTED_BY`."""

REMEMBERED_UPDATES = 100
"""The number of completed updates that a workflow remembers when it continues as new."""


class PassedStage(Message):
    """A stage that a release has left: what happened, when, and the person by whom or for whom."""

    index: int
    outcome: Literal["done", "skipped"]
    at: Moment
    owner: str


class ReleasePlace(Message):
    """The state of a release, as its workflow knows it."""

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
    """The rest of a paused wait, by Temporal's clock."""
    rollback: Rollback | None = None
    skipped: tuple[int, ...] = ()
    passed: tuple[PassedStage, ...] = ()
    """Only for display. Stages that a run of an older version left, or a lost workflow task, are missing."""
    responsible: str | None = None
    """The owner of the last control, if there was one."""
    settled: tuple[str, ...] = ()

    def updated(self, **changes: object) -> "ReleasePlace":
        """Return a copy with some fields changed."""
        return self.model_copy(update=changes)


class ReleaseInput(Message):
    """The input of a release's workflow, which never reads the pipeline again."""

    release: str
    project: str
    feature: str
    pipeline: PipelineRef
    stages: tuple[Stage, ...]
    on_conflict: OnConflict
    starting_stage: int
    parameters: dict[str, Value] = {}
    added_by: str
    elsewhere: bool = False
    """True if the flag is kept in another system. Its changes are never made within a workflow task."""
    guardrails: tuple[Guardrail, ...] = ()
    url: str = ""
    """The address of the release in Flaghoist's API, if the public address of the API is known."""
    hides_names: bool = False
    """True if search attributes must not have names."""
    place: ReleasePlace | None = None


class RollbackInput(Message):
    """The input of the workflow that rolls back an ended release."""

    release: str
    project: str
    feature: str
    pipeline: PipelineRef
    stage: str
    environment: str
    sequence: int
    rollback: Rollback
    elsewhere: bool = False
    hides_names: bool = False


class WebhookInput(Message):
    """The input of the workflow that delivers to one webhook."""

    project: str
    webhook: str
    failures: int = 0

    @property
    def workflow_id(self) -> str:
        """The workflow id; a webhook has one workflow at a time."""
        return f"webhook/{self.project}/{self.webhook}"

    @property
    def nameless_workflow_id(self) -> str:
        """The workflow id if Temporal must not learn any name."""
        return f"webhook/{self.webhook}"


class SteerRelease(Message):
    """A person's control of a release, and the state in which they last saw the release."""

    by: Person
    reason: str | None = None
    expected: Expected = Expected()


class RetryRelease(SteerRelease):
    """Retry a blocked stage."""

    overwrite: bool = False


class RestartRelease(SteerRelease):
    """Return a release to an earlier stage, or to the start of its current one."""

    stage: str


class RecordedDecision(Message):
    """A decision written to the record of a release, with its author and reason."""

    event: str
    by: str | None = None
    reason: str | None = None


class ReleaseResult(Message):
    """The final status of a release's workflow."""

    status: str


def release_input(release: Release, pipeline: Pipeline, public_url: str = "") -> ReleaseInput:
    """Return the input of a release's workflow. It links to the release below the API's public address."""
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
        elsewhere=not release.keeps_flags,
        guardrails=pipeline.definition.guardrails,
        url=f"{public_url}/api/v1/projects/{release.project}/releases/{release.id}" if public_url else "",
        hides_names=release.hides_names,
    )


def rollback_input(release: Release, rollback: Rollback) -> RollbackInput:
    """Return the input of the workflow that rolls back an ended release."""
    return RollbackInput(
        release=release.id,
        project=release.project,
        feature=release.feature,
        pipeline=release.pipeline,
        stage=release.stage,
        environment=release.environment,
        sequence=release.sequence,
        rollback=rollback.without_left_alone(),
        elsewhere=not release.keeps_flags,
        hides_names=release.hides_names,
    )


def format_time(moment: datetime) -> str:
    """Format a point in time for the Temporal Web UI."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
