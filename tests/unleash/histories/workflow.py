"""The part of a release's workflow that decides what is attempted next, without Temporal."""

from datetime import datetime, timedelta
from typing import Any

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from activities.messages import Advanced, ChangeFlag, PutBack, Restarted, Resumed, Retried, Skipped
from domain.access import Person
from domain.pipelines.pipeline import Stage
from domain.releases.control import ALLOWED_WHEN, Control
from domain.releases.release import NextStage, Release
from tests.activities.acting import command_for, record, roll_back
from tests.world import World


def stages_of(world: World, release: Release) -> tuple[Stage, ...]:
    """Return the stages of a release's pipeline."""
    with world.database.reading() as store:
        return store.pipelines.version(release.pipeline.id).definition.stages


def due_change(world: World, release: Release) -> ChangeFlag:
    """Return the command for the step at which the release is."""
    stage = stages_of(world, release)[release.stage_index]
    following = {"step": release.step + 1, "every": timedelta(hours=1)} if release.step < stage.steps else None
    more: dict[str, Any] = {"step": release.step, "patch": stage.patch({}, release.step), "next_step": following}
    return command_for(world, release, elsewhere=True, **more)


def due_rollback(world: World, release: Release) -> PutBack:
    """Return the command for the rollback that was requested."""
    assert release.rollback
    following = place(world, release, release.rollback.undoes_from) if release.rollback.to_stage else None
    asked = {"sequence": release.sequence, "n": release.rollback.n, "next": following}
    return PutBack(project=release.project, release=release.id, elsewhere=True, **asked)


def place(world: World, release: Release, index: int) -> NextStage | None:
    """Return a stage as a place to go, or None after the last one."""
    found = stages_of(world, release)[index : index + 1]
    return next((NextStage(index=index, name=each.name, environment=each.environment, trigger=each.trigger) for each in found), None)


def steer(world: World, release: Release, control: Control, at: datetime, number: int = 0) -> bool:
    """Use a control, as Olivia. Return False if it is not allowed now."""
    now = world.release(release.id)
    if now.status not in ALLOWED_WHEN[control]:
        return False
    by = Person(key=world.caller.key, owner=world.caller.owner.name, owner_id=world.caller.owner_id)
    match control:
        case Control.PAUSE | Control.REMOVE:
            steers = pause_release if control is Control.PAUSE else remove_release
            with world.database.transaction() as store:
                steers(store, world.caller, world.project, EndOrPauseRelease(release=release.id), at)
        case Control.ROLLBACK:
            passed = [each.name for each in stages_of(world, now)[now.starting_stage : now.stage_index]]
            to_stage = passed[number % len(passed)] if passed and number and not now.is_finished else None
            roll_back(world, release, at=at, to_stage=to_stage, force=number == 3)
        case Control.RESUME:
            record(world, release, Resumed(by=by, entered_at=at), at)
        case Control.ADVANCE:
            record(world, release, Advanced(by=by), at)
        case Control.SKIP:
            record(world, release, Skipped(by=by, next=place(world, now, now.stage_index + 1)), at)
        case Control.RETRY:
            record(world, release, Retried(by=by, overwrite=bool(number)), at)
        case _:
            target = place(world, now, now.starting_stage + number % (now.stage_index - now.starting_stage + 1))
            assert target
            record(world, release, Restarted(by=by, stage=target), at)
    return True
