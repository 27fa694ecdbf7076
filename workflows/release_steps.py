"""Where a release stands and where it goes from there: no waiting, no calls."""

from datetime import datetime, timedelta

from activities.messages import ChangeFlag, HoldEnded, PutBack, RecordProgress, Standing, Step
from domain.duration import speak_duration
from domain.pipelines.pipeline import Stage
from domain.releases.release import NextStage, NextStep
from domain.releases.rollback import Rollback
from domain.releases.schedule import bounded
from workflows.messages import ReleaseInput, ReleasePlace, in_words

LONGEST_SUMMARY = 200


def first_place(release: ReleaseInput, entered_at: datetime) -> ReleasePlace:
    """A flag enters its first stage when its workflow starts."""
    acts_at = release.stages[release.starting_stage].trigger.due_at(entered_at)
    return ReleasePlace(index=release.starting_stage, visit=1, sequence=0, entered_at=entered_at, acts_at=acts_at)


def stage_at(release: ReleaseInput, place: ReleasePlace) -> Stage:
    """The stage where the release stands."""
    return release.stages[place.index]


def next_stage(release: ReleaseInput, place: ReleasePlace) -> NextStage | None:
    """The stage after it; none after the last."""
    following = place.index + 1
    return to_enter(release, following) if following < len(release.stages) else None


def next_step(release: ReleaseInput, place: ReleasePlace) -> NextStep | None:
    """The step of a rollout that follows the one where the release stands; none after the last."""
    stage = stage_at(release, place)
    if stage.rollout is None or place.step >= stage.steps:
        return None
    return NextStep(step=place.step + 1, every=stage.rollout.every)


def to_enter(release: ReleaseInput, index: int) -> NextStage:
    """A stage, as the one that a release enters."""
    stage = release.stages[index]
    return NextStage(index=index, name=stage.name, environment=stage.environment, trigger=stage.trigger)


def place_in(stage: NextStage, place: ReleasePlace, at: datetime, sequence: int) -> ReleasePlace:
    """Where the release stands once it has entered that stage."""
    skipped = tuple(index for index in place.skipped if index < stage.index)
    entered = place.moved(index=stage.index, visit=place.visit + 1, step=1, sequence=sequence, skipped=skipped)
    return entered.moved(entered_at=at, acts_at=stage.trigger.due_at(at), blocked=None, paused=None, rollback=None, held=None)


def taken_over(place: ReleasePlace, standing: Standing, at: datetime) -> ReleasePlace:
    """Where the release stands by the record, which is right but for the clock that paused it."""
    here = place.moved(index=standing.stage_index, visit=standing.visit, step=standing.step, sequence=standing.sequence)
    entered_at = standing.entered_at or place.entered_at
    left = left_of_wait(place, standing, at)
    return here.moved(
        held=None, entered_at=entered_at, paused=standing.paused, left=left, blocked=standing.blocked, rollback=standing.rollback
    )


def gone_on_with(place: ReleasePlace, standing: Standing, at: datetime) -> ReleasePlace:
    """Where the release stands once a workflow task that was lost has gone on with it."""
    here = taken_over(place, standing, at)
    skipped = {*place.skipped, *([place.index] if standing.write_key.startswith("skipped/") else [])}
    come_through = tuple(sorted(index for index in skipped if index < here.index))
    due_at = at if standing.held else standing.acts_at or place.acts_at  # What is held was due already: it is tried at once.
    return here.moved(acts_at=due_at, skipped=come_through)


def left_of_wait(place: ReleasePlace, standing: Standing, at: datetime) -> timedelta | None:
    """What is left by Temporal's clock of a wait that was paused by another; unknown where we knew of no such wait."""
    if standing.paused is None or (standing.visit, standing.step) != (place.visit, place.step):
        return None
    return bounded(standing.paused.remaining, place.entered_at, place.acts_at, at)


def place_after_change(release: ReleaseInput, place: ReleasePlace, at: datetime, sequence: int) -> ReleasePlace | None:
    """Where the release stands once the change of its stage or step is made; nowhere, after the last one."""
    if step := next_step(release, place):
        return place.moved(step=step.step, acts_at=at + step.every, sequence=sequence, held=None)
    following = next_stage(release, place)
    return place_in(following, place, at, sequence) if following else None


def change_at(release: ReleaseInput, place: ReleasePlace, now: datetime) -> ChangeFlag:
    """The change that the stage makes, if it acts now."""
    stage = stage_at(release, place)
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
        acts_at=opened_at(place, now),
        due_at=place.acts_at,
        gates=stage.gates,
        next=None if following else next_stage(release, place),
        next_step=following,
    )


def opened_at(place: ReleasePlace, now: datetime) -> datetime:
    """When the stage could act: when it was due, or when what held it back ended; that is now, where a person ended it."""
    if place.held is None:
        return place.acts_at
    return max(place.acts_at, min(place.held.until or now, now))


def made_at(command: ChangeFlag, standing: Standing, now: datetime) -> datetime | None:
    """When a change was made after which the record stands so: the next stage was entered then, or the next step is counted from then.

    A next step that is held was due already: it is tried at once.
    """
    if command.next_step is None:
        return standing.entered_at
    if standing.held:
        return now - command.next_step.every
    return standing.acts_at - command.next_step.every if standing.acts_at else None


def change_in_words(release: ReleaseInput, place: ReleasePlace) -> str:
    """What the stage or step does, for the Temporal Web UI."""
    stage = stage_at(release, place)
    number = f" (step {place.step} of {stage.steps})" if stage.steps > 1 else ""
    return f"{stage.name}{number}: {stage.step_in_words(release.parameters, place.step)}"[:LONGEST_SUMMARY]


def wait_in_words(release: ReleaseInput, place: ReleasePlace) -> str:
    """What the stage or step waits for, for the Temporal Web UI."""
    stage = stage_at(release, place)
    if place.held:
        return f"{stage.name}: {place.held.message}"[:LONGEST_SUMMARY]
    if place.step > 1 and stage.rollout:
        when = f"step {place.step} of {stage.steps}, {speak_duration(stage.rollout.every)} after the one before"
    else:
        when = stage.trigger.in_words()
    return f"{stage.name}: acts {when}, at {in_words(place.acts_at)}"[:LONGEST_SUMMARY]


def put_back_at(release: ReleaseInput, place: ReleasePlace, rollback: Rollback) -> PutBack:
    """The rollback that was asked for."""
    following = to_enter(release, rollback.undoes_from) if rollback.to_stage else None
    return PutBack(project=release.project, release=release.release, sequence=place.sequence, n=rollback.n, next=following)


def hold_ended_at(release: ReleaseInput, place: ReleasePlace, now: datetime) -> HoldEnded:
    """The end of a stage without actions, if it ends now."""
    gates, following = stage_at(release, place).gates, next_stage(release, place)
    return HoldEnded(entered_at=place.entered_at, acts_at=opened_at(place, now), due_at=place.acts_at, gates=gates, next=following)


def record_of(release: ReleaseInput, place: ReleasePlace, step: Step, at: datetime) -> RecordProgress:
    """A step that changes no flag, to be written."""
    return RecordProgress(project=release.project, release=release.release, sequence=place.sequence, at=at, step=step)
