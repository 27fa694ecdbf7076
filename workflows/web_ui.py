"""A release as the Temporal Web UI shows it: the ladder of its stages, in Markdown."""

from datetime import datetime

from domain.duration import speak_duration
from domain.pipelines.pipeline import Stage
from domain.releases.control import allowed_controls
from domain.releases.rollback import Rollback
from domain.releases.schedule import planned
from domain.releases.status import UNFINISHED, ReleaseStatus
from workflows.messages import ReleaseInput, ReleasePlace, RollbackInput, in_words


def summary_of(release: ReleaseInput) -> str:
    """One line that says what the workflow is."""
    return f"{release.feature} on its way through {release.pipeline.name} v{release.pipeline.version}"


def details_of(release: ReleaseInput) -> str:
    """What the workflow was started to do."""
    lines = [
        f"{number}. **{stage.name}** ({stage.environment}): {stage.in_words()}" for number, stage in enumerate(release.stages, start=1)
    ]
    start = release.stages[release.starting_stage].name
    return "\n".join([f"Added by {release.added_by} at stage '{start}'.", "", *lines])


def summary_of_rollback(asked: RollbackInput) -> str:
    """One line that says what the workflow is."""
    return f"{asked.feature}: what {asked.pipeline.name} v{asked.pipeline.version} changed is put back"


def details_of_rollback(asked: RollbackInput) -> str:
    """What the workflow was started to do."""
    ended = f"The release {asked.release} had ended: it was {asked.rollback.ended.status}." if asked.rollback.ended else ""
    return "\n".join([*rollback_in_words(asked.rollback), ended])


def progress_of(release: ReleaseInput, place: ReleasePlace, status: str) -> str:
    """Where the release stands now, and when the stages ahead will act."""
    rungs = [
        f"{index + 1}. **{stage.name}** ({stage.environment}): {mark}"
        for index, (stage, mark) in enumerate(zip(release.stages, _marks(release, place, status), strict=True))
    ]
    return "\n".join([f"**{status}**", "", *rungs, *_why(place)])


def rollback_in_words(rollback: Rollback) -> list[str]:
    """Who asked for a rollback, when, how far and why."""
    far = f"to what '{rollback.to_stage}' left" if rollback.to_stage else "for good"
    force = " Also what was changed by hand is put back." if rollback.force else ""
    why = [f"Reason: {rollback.reason}"] if rollback.reason else []
    return [f"**Rolling back** {far}, asked by {rollback.by.owner} at {in_words(rollback.asked_at)}.{force}", *why]


def _marks(release: ReleaseInput, place: ReleasePlace, status: str) -> list[str]:
    """What is to be said of each stage."""
    count = len(release.stages)
    not_run = ["not run"] * release.starting_stage
    if status == ReleaseStatus.COMPLETED:  # By the record, maybe: a workflow that was reset need not have come to the last stage.
        return [*not_run, *["done"] * (count - release.starting_stage)]
    before = [*not_run, *("skipped" if index in place.skipped else "done" for index in range(release.starting_stage, place.index))]
    if status == ReleaseStatus.RUNNING:
        ahead = planned(release.stages, place.index, place.acts_at, place.step)
        now = _now(release.stages[place.index], place, ahead[place.index].acts_at)
        return [*before, now, *(f"acts at {in_words(ahead[index].acts_at)}" for index in range(place.index + 1, count))]
    if status == ReleaseStatus.ROLLED_BACK:
        return [*not_run, *["rolled back"] * (place.index + 1 - release.starting_stage), *["not run"] * (count - place.index - 1)]
    later = "waits" if status in UNFINISHED else "not run"
    return [*before, status, *[later] * (count - place.index - 1)]


def _now(stage: Stage, place: ReleasePlace, acts_at: datetime) -> str:
    """What is to be said of the stage where the release stands, and of the step of its rollout that comes next."""
    if stage.rollout is None:
        return f"acts at {in_words(acts_at)}"
    return f"step {place.step} of {stage.steps}, to {stage.rollout.shares[place.step - 1]} %, acts at {in_words(acts_at)}"


def _why(place: ReleasePlace) -> list[str]:
    if place.paused:
        left = f"{speak_duration(place.paused.remaining)} of its wait are left." if place.paused.remaining else "It was due."
        by = f" by {place.paused.by}" if place.paused.by else ""
        since = f"**Paused**{by} since {in_words(place.paused.since)}. {left}"
        return ["", since, f"Controls: {', '.join(allowed_controls(ReleaseStatus.PAUSED))}."]
    asked = ["", *rollback_in_words(place.rollback)] if place.rollback else []
    if place.blocked is None and place.held:
        return [*asked, "", f"**Waits**: {place.held.message}"]
    if place.blocked is None:
        return asked
    since = f"**Blocked** since {in_words(place.blocked.since)}: {place.blocked.message}"
    return [*asked, "", since, f"Controls: {', '.join(allowed_controls(ReleaseStatus.BLOCKED))}."]
