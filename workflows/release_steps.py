"""Pure transitions of a release: its next place, and the commands for its activities. Nothing here waits or calls."""

from datetime import datetime, timedelta

from activities.messages import ChangeFlag, HoldEnded, PutBack, RecordProgress, Standing, Step
from activities.watch_messages import WatchStage
from domain.pipelines.fold import ships_winner
from domain.pipelines.gate import SampledGate
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import Stage
from domain.releases.release import NextStage, NextStep
from domain.releases.rollback import Rollback
from domain.releases.schedule import bounded
from workflows.messages import ReleaseInput, ReleasePlace


def initial_place(release: ReleaseInput, entered_at: datetime) -> ReleasePlace:
    """Return the place of a new release. Its flag enters the first stage when the workflow starts."""
    acts_at = release.stages[release.starting_stage].trigger.due_at(entered_at)
    return ReleasePlace(index=release.starting_stage, visit=1, sequence=0, entered_at=entered_at, acts_at=acts_at)


def current_stage(release: ReleaseInput, place: ReleasePlace) -> Stage:
    """Return the stage that the release is in."""
    return release.stages[place.index]


def next_stage(release: ReleaseInput, place: ReleasePlace) -> NextStage | None:
    """Return the stage after the current one, or None after the last."""
    following = place.index + 1
    return next_stage_at(release, following) if following < len(release.stages) else None


def next_step(release: ReleaseInput, place: ReleasePlace) -> NextStep | None:
    """Return the step after the current one, or None after the last."""
    stage = current_stage(release, place)
    if stage.ramp is None or place.step >= stage.steps:
        return None
    return NextStep(step=place.step + 1, every=stage.ramp.every)


def next_stage_at(release: ReleaseInput, index: int) -> NextStage:
    """Return the stage at that index as one to enter."""
    stage = release.stages[index]
    is_watched = is_sampled(release, stage)
    return NextStage(index=index, name=stage.name, environment=stage.environment, trigger=stage.trigger, is_watched=is_watched)


def place_in_stage(stage: NextStage, place: ReleasePlace, at: datetime, sequence: int) -> ReleasePlace:
    """Return the place after entering that stage."""
    skipped = tuple(index for index in place.skipped if index < stage.index)
    passed = tuple(each for each in place.passed if each.index < stage.index)
    entered = place.updated(index=stage.index, visit=place.visit + 1, step=1, sequence=sequence, skipped=skipped, passed=passed)
    return entered.updated(entered_at=at, acts_at=stage.trigger.due_at(at), blocked=None, paused=None, rollback=None, held=None)


def synced_with_record(place: ReleasePlace, standing: Standing, at: datetime) -> ReleasePlace:
    """Return the place according to the record, which is right about everything except the time left of a paused wait."""
    synced = place.updated(index=standing.stage_index, visit=standing.visit, step=standing.step, sequence=standing.sequence)
    entered_at = standing.entered_at or place.entered_at
    left = remaining_wait(place, standing, at)
    return synced.updated(
        held=None, entered_at=entered_at, paused=standing.paused, left=left, blocked=standing.blocked, rollback=standing.rollback
    )


def resumed_from_record(place: ReleasePlace, standing: Standing, at: datetime) -> ReleasePlace:
    """Return the place to which a lost workflow task moved the release."""
    resumed = synced_with_record(place, standing, at)
    skipped = {*place.skipped, *([place.index] if standing.write_key.startswith("skipped/") else [])}
    passed = tuple(sorted(index for index in skipped if index < resumed.index))
    acts_at = at if standing.held else standing.acts_at or place.acts_at  # A stage that is held back was due already: try it at once.
    return resumed.updated(acts_at=acts_at, skipped=passed)


def remaining_wait(place: ReleasePlace, standing: Standing, at: datetime) -> timedelta | None:
    """Return the rest of a wait that the API paused, by Temporal's clock, or None if the workflow did not know of that wait."""
    if standing.paused is None or (standing.visit, standing.step) != (place.visit, place.step):
        return None
    return bounded(standing.paused.remaining, place.entered_at, place.acts_at, at)


def place_after_change(
    release: ReleaseInput, place: ReleasePlace, at: datetime, sequence: int, *, ends_ramp: bool = False
) -> ReleasePlace | None:
    """Return the place after the change of the current stage or step, or None after the last one."""
    if (step := next_step(release, place)) and not ends_ramp:
        return place.updated(step=step.step, acts_at=at + step.every, sequence=sequence, held=None, paused=None, blocked=None)
    following = next_stage(release, place)
    return place_in_stage(following, place, at, sequence) if following else None


def change_command(release: ReleaseInput, place: ReleasePlace, now: datetime) -> ChangeFlag:
    """Return the command for the change of the current stage or step, if it acts now."""
    stage = current_stage(release, place)
    following = next_step(release, place)
    return ChangeFlag(
        project=release.project,
        release=release.release,
        visit=place.visit,
        step=place.step,
        sequence=place.sequence,
        stage=stage.name,
        environment=stage.environment,
        patch=stage.patch(release.parameters, place.step),
        overwrite=release.on_conflict == "overwrite",
        entered_at=place.entered_at,
        acts_at=actionable_at(place, now),
        due_at=place.acts_at,
        gates=stage.gates,
        guardrails=guardrails_in(release, stage),
        ships_winner=ships_winner(stage.actions),
        ramps_winner=stage.ramps_winner,
        next=None if following and not stage.ramps_winner else next_stage(release, place),
        next_step=following,
        elsewhere=release.elsewhere,
    )


def actionable_at(place: ReleasePlace, now: datetime) -> datetime:
    """Return when the stage could act: its due time, or the time from which nothing held it back (now, if a person ended that)."""
    if place.held is None:
        return place.acts_at
    return max(place.acts_at, min(place.held.until or now, now))


def change_time(command: ChangeFlag, standing: Standing, now: datetime) -> datetime | None:
    """Return when the recorded change was made: the next stage was entered at that time, or the next step counts from it.

    A next step that is held back was due already, so the returned time makes it due now.
    """
    if command.next_step is None or standing.visit != command.visit:
        return standing.entered_at
    if standing.held:
        return now - command.next_step.every
    return standing.acts_at - command.next_step.every if standing.acts_at else None


def rollback_command(release: ReleaseInput, place: ReleasePlace, rollback: Rollback) -> PutBack:
    """Return the command that carries out a rollback."""
    following = next_stage_at(release, rollback.undoes_from) if rollback.to_stage else None
    return PutBack(
        project=release.project, release=release.release, sequence=place.sequence, n=rollback.n, next=following, elsewhere=release.elsewhere
    )


def hold_ended(release: ReleaseInput, place: ReleasePlace, now: datetime) -> HoldEnded:
    """Return the step that ends a hold, if it ends now."""
    stage = current_stage(release, place)
    return HoldEnded(
        entered_at=place.entered_at,
        acts_at=actionable_at(place, now),
        due_at=place.acts_at,
        gates=stage.gates,
        guardrails=guardrails_in(release, stage),
        next=next_stage(release, place),
    )


def guardrails_in(release: ReleaseInput, stage: Stage) -> tuple[Guardrail, ...]:
    """Return the guardrails that are in force while the flag is in that stage."""
    return tuple(guardrail for guardrail in release.guardrails if guardrail.watches(stage.name))


def is_sampled(release: ReleaseInput, stage: Stage) -> bool:
    """True if a guardrail is in force while the flag is in that stage, or one of its gates samples something."""
    return bool(guardrails_in(release, stage)) or any(isinstance(gate, SampledGate) for gate in stage.gates)


def watch_command(release: ReleaseInput, place: ReleasePlace) -> WatchStage | None:
    """Return the command that watches the current stage, or None if nothing in it is sampled."""
    stage = current_stage(release, place)
    if not is_sampled(release, stage):
        return None
    return WatchStage(
        project=release.project,
        release=release.release,
        feature=release.feature,
        visit=place.visit,
        stage=stage.name,
        environment=stage.environment,
        entered_at=place.entered_at,
        gates=stage.gates,
        guardrails=guardrails_in(release, stage),
    )


def progress_command(release: ReleaseInput, place: ReleasePlace, step: Step, at: datetime) -> RecordProgress:
    """Return the command that records a step without a flag change."""
    return RecordProgress(project=release.project, release=release.release, sequence=place.sequence, at=at, step=step)
