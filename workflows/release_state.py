"""The state of a release in its workflow, and its publication in the Temporal Web UI."""

from datetime import datetime
from typing import Literal

from temporalio import workflow

from activities.messages import Standing
from activities.watch_messages import WatchStage
from domain.pipelines.pipeline import Stage
from domain.releases.status import ReleaseStatus
from workflows.messages import PassedStage, ReleaseInput, ReleasePlace
from workflows.release_steps import (
    current_stage,
    next_step,
    place_after_change,
    resumed_from_record,
    synced_with_record,
    watch_command,
)
from workflows.search_attributes import progress_attributes
from workflows.web_ui import progress_details


class ReleaseState:
    """A mixin that keeps a release's place in its pipeline until the release has ended."""

    release: ReleaseInput
    place: ReleasePlace
    ended: str | None
    is_published: bool
    plans: tuple[str, ...]

    @property
    def stage(self) -> Stage:
        """The current stage."""
        return current_stage(self.release, self.place)

    @property
    def watched(self) -> WatchStage | None:
        """The command that watches the current stage, or None if nothing in it is sampled. Asking metrics takes longer than a task may."""
        return watch_command(self.release, self.place)

    @property
    def status(self) -> str:
        """The status of the release."""
        if self.ended:
            return self.ended
        if self.place.blocked:
            return ReleaseStatus.BLOCKED
        if self.place.rollback:
            return ReleaseStatus.ROLLING_BACK
        return ReleaseStatus.PAUSED if self.place.paused else ReleaseStatus.RUNNING

    @property
    def now(self) -> datetime:
        """The time by Temporal's clock. A local attempt that waited for its turn ended later than the workflow knows."""
        return max(workflow.now(), self.place.entered_at)

    @property
    def is_due(self) -> bool:
        """True if the stage's trigger has fired."""
        return self.place.acts_at <= self.now

    def enter(self, place: ReleasePlace | None) -> None:
        """Move to that place, or complete the release if there is none after the last stage."""
        if place is None:
            self.ended = ReleaseStatus.COMPLETED
        self.place = place or self.place
        self.is_published = False

    def enter_next(self, at: datetime, sequence: int, *, ends_ramp: bool = False) -> None:
        """Move to the next step or stage after the current one has acted."""
        if ends_ramp or next_step(self.release, self.place) is None:
            self.note_passed_stage("done", at)
        self.enter(place_after_change(self.release, self.place, at, sequence, ends_ramp=ends_ramp))

    def note_passed_stage(self, outcome: Literal["done", "skipped"], at: datetime) -> None:
        """Note how and when the current stage was left, and for whom."""
        owner = self.place.responsible or self.release.added_by
        passed = PassedStage(index=self.place.index, outcome=outcome, at=at, owner=owner)
        self.place = self.place.updated(passed=(*self.place.passed, passed))

    def update_place(self, **changes: object) -> None:
        """Change some fields of the current place."""
        self.place = self.place.updated(**changes)
        self.is_published = False

    def sync_with_record(self, standing: Standing) -> None:
        """Adopt the state of the record."""
        self.place = synced_with_record(self.place, standing, workflow.now())
        self.is_published = False

    def resume_from_record(self, standing: Standing) -> None:
        """Continue from the state that a lost workflow task recorded."""
        self.enter(resumed_from_record(self.place, standing, workflow.now()))

    def publish(self) -> None:
        """Update the details and search attributes in the Temporal Web UI. Stages that act at once don't update search attributes."""
        if self.is_published:
            return
        status = self.status
        workflow.set_current_details(progress_details(self.release, self.plans, self.place, status))
        is_resting, held = status != ReleaseStatus.RUNNING, self.place.held
        if is_resting or held or not self.is_due:
            self.is_published = True
            next_at = None if is_resting else held.until if held else self.place.acts_at
            progress = progress_attributes(None if self.release.hides_names else self.stage, status, next_at)
            known = workflow.info().typed_search_attributes
            changed = [each for each in progress if known.get(each.key) != each.value]
            workflow.upsert_search_attributes(changed or progress)  # There always is an upsert, because older histories have one.
