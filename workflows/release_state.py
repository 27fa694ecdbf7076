"""Where a release stands, as its workflow keeps it and shows it."""

from temporalio import workflow

from activities.messages import Standing
from domain.pipelines.pipeline import Stage
from domain.releases.status import ReleaseStatus
from workflows.messages import ReleaseInput, ReleasePlace
from workflows.release_steps import gone_on_with, stage_at, taken_over
from workflows.search_attributes import attributes_at
from workflows.web_ui import progress_of


class ReleaseState:
    """A workflow that has a place in its pipeline, until it has ended."""

    release: ReleaseInput
    place: ReleasePlace
    ended: str | None
    shown: bool

    @property
    def stage(self) -> Stage:
        """The stage where the release stands."""
        return stage_at(self.release, self.place)

    @property
    def status(self) -> str:
        """How the release stands."""
        if self.ended:
            return self.ended
        if self.place.blocked:
            return ReleaseStatus.BLOCKED
        if self.place.rollback:
            return ReleaseStatus.ROLLING_BACK
        return ReleaseStatus.PAUSED if self.place.paused else ReleaseStatus.RUNNING

    @property
    def is_due(self) -> bool:
        """Whether the stage's trigger has fired."""
        return self.place.acts_at <= workflow.now()

    def arrive(self, place: ReleasePlace | None) -> None:
        """Stand in another place; in none, after the last stage."""
        if place is None:
            self.ended = ReleaseStatus.COMPLETED
        self.place = place or self.place
        self.shown = False

    def move(self, **changes: object) -> None:
        """Stand where it stood, in part otherwise."""
        self.place = self.place.moved(**changes)
        self.shown = False

    def take_over(self, standing: Standing) -> None:
        """Stand where the record says."""
        self.place = taken_over(self.place, standing, workflow.now())
        self.shown = False

    def go_on_with(self, standing: Standing) -> None:
        """Stand where a workflow task led that was lost."""
        self.arrive(gone_on_with(self.place, standing, workflow.now()))

    def show(self) -> None:
        """Let the Temporal Web UI tell where the release stands; people search for it where it rests, not where it passes through."""
        if self.shown:
            return
        status = self.status
        workflow.set_current_details(progress_of(self.release, self.place, status))
        rests, held = status != ReleaseStatus.RUNNING, self.place.held
        if rests or held or not self.is_due:
            self.shown = True
            next_at = None if rests else held.until if held else self.place.acts_at
            workflow.upsert_search_attributes(attributes_at(self.stage.name, self.stage.environment, status, next_at))
