"""Texts for the Temporal Web UI: summaries, and the stages of a release in Markdown."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count

from domain.duration import speak_duration
from domain.pipelines.pipeline import Stage
from domain.releases.control import allowed_controls
from domain.releases.rollback import Rollback
from domain.releases.schedule import planned
from domain.releases.status import UNFINISHED, ReleaseStatus
from workflows.messages import ReleaseInput, ReleasePlace, RollbackInput, format_time

MAX_SUMMARY_BYTES = 380
"""The server takes 800 bytes of JSON, in which a quotation mark takes two."""
MAX_DETAILS_BYTES = 24_000
"""The server takes 50 KB of JSON."""


def release_summary(release: ReleaseInput) -> str:
    """Return the one-line summary of a release's workflow."""
    return cut(f"{release.feature} in {release.pipeline.name} v{release.pipeline.version}")


def release_details(release: ReleaseInput) -> str:
    """Describe what a release's workflow was started to do."""
    lines = [
        f"{number}. **{stage.name}** ({stage.environment}): {stage.in_words()}" for number, stage in enumerate(release.stages, start=1)
    ]
    return cut("\n".join([*_origin(release), "", *lines]), MAX_DETAILS_BYTES)


def release_memo(release: ReleaseInput) -> dict[str, str]:
    """Return summary and details for the runs that continue a release as new, because Temporal drops both."""
    return {"summary": release_summary(release), "details": release_details(release)}


def _origin(release: ReleaseInput) -> list[str]:
    """Say who added the flag and where, and link to the release."""
    added = f"Added by {release.added_by} at stage '{release.stages[release.starting_stage].name}'."
    return [f"{added} [The release in Flaghoist]({release.url})" if release.url else added]


def cut(text: str, most: int = MAX_SUMMARY_BYTES) -> str:
    """Return the text, shortened to that many bytes of UTF-8 at a character's boundary."""
    encoded = text.encode()
    return text if len(encoded) <= most else f"{encoded[: most - 3].decode(errors='ignore')}…"


def ended_rollback_summary(request: RollbackInput) -> str:
    """Return the one-line summary of the workflow that rolls back an ended release."""
    return cut(f"Rollback of {request.feature} in {request.pipeline.name} v{request.pipeline.version}")


def ended_rollback_details(request: RollbackInput) -> str:
    """Describe what the workflow was started to do."""
    ended = f"Before the rollback, release {request.release} was {request.rollback.ended.status}." if request.rollback.ended else ""
    return "\n".join([*rollback_details(request.rollback), ended])


def stage_plans(release: ReleaseInput) -> tuple[str, ...]:
    """Describe the effect of each stage."""
    return tuple(stage.in_words(release.parameters) for stage in release.stages)


def progress_details(release: ReleaseInput, plans: Sequence[str], place: ReleasePlace, status: str) -> str:
    """Describe a release: what it is and its current state, and for each stage its effect, and when and for whom it acted or will act.

    Nothing of this is only in the static details, because these are lost when the workflow continues as new.
    """
    stages = [
        f"{number}. **{stage.name}** ({stage.environment}): {text} — {plan}"
        for number, stage, text, plan in zip(count(1), release.stages, _stage_texts(release, place, status), plans, strict=False)
    ]
    lines = [f"**{status}**: {release_summary(release)}", "", *_origin(release), "", *stages, *_explanation(place)]
    return cut("\n".join(lines), MAX_DETAILS_BYTES)


def change_summary(release: ReleaseInput, place: ReleasePlace) -> str:
    """Return the summary of the activity that carries out a stage or one step of its rollout."""
    stage = release.stages[place.index]
    number = f" (step {place.step} of {stage.steps})" if stage.steps > 1 else ""
    return cut(f"{stage.name}{number}: {stage.step_in_words(release.parameters, place.step)}")


def wait_summary(release: ReleaseInput, place: ReleasePlace) -> str:
    """Return the summary of the timer: what the stage or step waits for."""
    stage = release.stages[place.index]
    if place.held:
        return cut(f"{stage.name}: {place.held.message}")
    if place.step > 1 and stage.ramp:
        text = f"step {place.step} of {stage.steps} acts {speak_duration(stage.ramp.every)} after the previous step"
    else:
        text = f"acts {stage.trigger.in_words()}"
    return cut(f"{stage.name}: {text}, at {format_time(place.acts_at)}")


def rollback_summary(rollback: Rollback) -> str:
    """Return the summary of the activity that carries out a rollback."""
    return cut(f"Roll back {_scope(rollback)}, requested by {rollback.by.owner}")


def rollback_details(rollback: Rollback) -> list[str]:
    """Describe a rollback: its scope, who requested it, when and why."""
    force = " Changes made by hand are rolled back too." if rollback.force else ""
    reason = [f"Reason: {rollback.reason}"] if rollback.reason else []
    requested = f"requested by {rollback.by.owner} at {format_time(rollback.asked_at)}"
    return [f"**Roll back** {_scope(rollback)}, {requested}.{force}", *reason]


def _scope(rollback: Rollback) -> str:
    return f"to the state after '{rollback.to_stage}'" if rollback.to_stage else "all changes"


def _stage_texts(release: ReleaseInput, place: ReleasePlace, status: str) -> list[str]:
    total = len(release.stages)
    not_run = ["not run"] * release.starting_stage
    if status == ReleaseStatus.COMPLETED:  # The status may come from the record: a workflow that was reset need not have reached the end.
        return [*not_run, *(_passed_stage_text(place, index) for index in range(release.starting_stage, total))]
    before = [*not_run, *(_passed_stage_text(place, index) for index in range(release.starting_stage, place.index))]
    if status == ReleaseStatus.RUNNING:
        ahead = planned(release.stages, place.index, place.acts_at, place.step)
        current = _current_stage_text(release.stages[place.index], place, ahead[place.index].acts_at)
        return [*before, current, *(f"acts at {format_time(ahead[index].acts_at)}" for index in range(place.index + 1, total))]
    if status == ReleaseStatus.ROLLED_BACK:
        return [*not_run, *["rolled back"] * (place.index + 1 - release.starting_stage), *["not run"] * (total - place.index - 1)]
    later = "waiting" if status in UNFINISHED else "not run"
    return [*before, status, *[later] * (total - place.index - 1)]


def _passed_stage_text(place: ReleasePlace, index: int) -> str:
    """Say how a stage was left and when, who skipped it, or by whose rights it acted."""
    passed = next((each for each in place.passed if each.index == index), None)
    if passed is None:
        return "skipped" if index in place.skipped else "done"
    return f"{passed.outcome} at {format_time(passed.at)} {'by' if passed.outcome == 'skipped' else 'for'} {passed.owner}"


def _current_stage_text(stage: Stage, place: ReleasePlace, acts_at: datetime) -> str:
    if stage.ramp is None:
        return f"acts at {format_time(acts_at)}"
    return f"step {place.step} of {stage.steps}, to {stage.ramp.shares[place.step - 1]}%, acts at {format_time(acts_at)}"


def _explanation(place: ReleasePlace) -> list[str]:
    """Explain why the release is paused, blocked, held back or rolling back."""
    if place.paused:
        remaining = f"{speak_duration(place.paused.remaining)} remaining." if place.paused.remaining else "The stage was due."
        by = f" by {place.paused.by}" if place.paused.by else ""
        since = f"**Paused**{by} since {format_time(place.paused.since)}. {remaining}"
        return ["", since, f"Allowed controls: {', '.join(allowed_controls(ReleaseStatus.PAUSED))}."]
    rollback = ["", *rollback_details(place.rollback)] if place.rollback else []
    if place.blocked is None and place.held:
        return [*rollback, "", f"**Waiting**: {place.held.message}"]
    if place.blocked is None:
        return rollback
    since = f"**Blocked** since {format_time(place.blocked.since)}: {place.blocked.message}"
    return [*rollback, "", since, f"Allowed controls: {', '.join(allowed_controls(ReleaseStatus.BLOCKED))}."]
