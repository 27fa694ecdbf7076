"""Where a release stands and where it goes from there: no waiting, no calls."""

from datetime import datetime

from activities.messages import ChangeFlag, HoldEnded, PutBack, RecordProgress, Standing, Step
from domain.pipeline import Stage
from domain.release import NextStage
from domain.rollback import Rollback
from domain.schedule import due_at
from workflows.messages import Place, ReleaseInput


def first_place(release: ReleaseInput, entered_at: datetime) -> Place:
    """A flag enters its first stage when its workflow starts."""
    acts_at = due_at(release.stages[release.starting_stage].trigger, entered_at)
    return Place(index=release.starting_stage, visit=1, sequence=0, entered_at=entered_at, acts_at=acts_at)


def stage_at(release: ReleaseInput, place: Place) -> Stage:
    """The stage where the release stands."""
    return release.stages[place.index]


def next_stage(release: ReleaseInput, place: Place) -> NextStage | None:
    """The stage after it; none after the last."""
    following = place.index + 1
    return to_enter(release, following) if following < len(release.stages) else None


def to_enter(release: ReleaseInput, index: int) -> NextStage:
    """A stage, as the one that a release enters."""
    stage = release.stages[index]
    return NextStage(index=index, name=stage.name, environment=stage.environment, trigger=stage.trigger)


def place_in(stage: NextStage, place: Place, at: datetime, sequence: int) -> Place:
    """Where the release stands once it has entered that stage."""
    skipped = tuple(index for index in place.skipped if index < stage.index)
    entered = place.moved(index=stage.index, visit=place.visit + 1, sequence=sequence, skipped=skipped)
    return entered.moved(entered_at=at, acts_at=due_at(stage.trigger, at), blocked=None, paused=None, rollback=None)


def taken_over(place: Place, standing: Standing) -> Place:
    """Where the release stands by the record, which is right."""
    here = place.moved(index=standing.stage_index, visit=standing.visit, sequence=standing.sequence)
    entered_at = standing.entered_at or place.entered_at
    return here.moved(entered_at=entered_at, paused=standing.paused, blocked=standing.blocked, rollback=standing.rollback)


def change_at(release: ReleaseInput, place: Place) -> ChangeFlag:
    """The change that the stage makes."""
    stage = stage_at(release, place)
    return ChangeFlag(
        project=release.project,
        release=release.release,
        visit=place.visit,
        sequence=place.sequence,
        stage=stage.name,
        environment=stage.environment,
        patch=stage.patch,
        overwrite=release.on_conflict == "overwrite",
        entered_at=place.entered_at,
        acts_at=place.acts_at,
        next=next_stage(release, place),
    )


def put_back_at(release: ReleaseInput, place: Place, rollback: Rollback) -> PutBack:
    """The rollback that was asked for."""
    following = to_enter(release, rollback.undoes_from) if rollback.to_stage else None
    return PutBack(project=release.project, release=release.release, sequence=place.sequence, n=rollback.n, next=following)


def hold_ended_at(release: ReleaseInput, place: Place) -> HoldEnded:
    """The end of a stage without actions."""
    return HoldEnded(entered_at=place.entered_at, acts_at=place.acts_at, next=next_stage(release, place))


def record_of(release: ReleaseInput, place: Place, step: Step, at: datetime) -> RecordProgress:
    """A step that changes no flag, to be written."""
    return RecordProgress(project=release.project, release=release.release, sequence=place.sequence, at=at, step=step)
