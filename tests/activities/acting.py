"""Runs of a release's activities as by a worker, without a Temporal server."""

import dataclasses
from datetime import datetime, timedelta
from typing import Any

from temporalio.common import MetricMeter
from temporalio.testing import ActivityEnvironment

from activities.changes import ChangeActivities
from activities.commands.request_rollback import RollBackRelease, request_rollback
from activities.messages import (
    ChangeFlag,
    HeldBack,
    HoldEnded,
    Made,
    PutBack,
    ReadStanding,
    Recorded,
    RecordProgress,
    Refused,
    Retried,
    Standing,
    Step,
)
from activities.progress import ReleaseActivities
from activities.providers.catalogue import provider_of
from activities.rollback import RollbackActivities
from activities.store.paging import Slice
from activities.temporal_clock import ClockOfAttempt
from domain.access import Caller, Person
from domain.audit import AuditEntry, AuditEvent
from domain.flags.change import Change
from domain.flags.patch import FlagPatch
from domain.releases.release import NextStage, Release, StageRun
from tests.elsewhere import nowhere
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.scripted_metrics import ScriptedMetrics, guard_with
from tests.still_clock import still_clock
from tests.world import NOW, World
from workflows.messages import release_input
from workflows.release_steps import next_stage_at

ACTED = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(minutes=5)

TWO_STAGES = pipeline(
    stage("Development", actions=[enable(), set_value("one-page")]),
    stage("Production", "production", "24h", actions=[enable()]),
)
MADE = Made(made_at=ACTED, sequence=1, text='Changed checkout in development: enable for everyone, set the value "one-page" for everyone.')
"""The answer of the first stage's change."""
THREE = pipeline(
    stage("Development"),
    stage("Beta users", "production", "1h", [enable("beta-users")]),
    stage("Everyone", "production", "24h"),
    hold("Watch", "2d", "staging"),
)


def command_for(world: World, release: Release, **more: Any) -> ChangeFlag:
    """Return the command that the workflow would send for the current stage."""
    now = world.release(release.id)
    with world.database.reading() as store:
        pipeline = store.pipelines.version(now.pipeline.id)
    stages, following = pipeline.definition.stages, now.stage_index + 1
    current = stages[now.stage_index]
    values: dict[str, Any] = {
        "project": now.project,
        "release": now.id,
        "visit": now.visit,
        "sequence": now.sequence,
        "stage": current.name,
        "environment": current.environment,
        "patch": current.patch({}),
        "overwrite": now.on_conflict == "overwrite",
        "entered_at": now.entered_at or NOW,
        "acts_at": now.acts_at or NOW,
        "next": next_stage_at(release_input(now, pipeline), following) if following < len(stages) else None,
    }
    return ChangeFlag(**(values | more))


def change(
    world: World,
    command: ChangeFlag,
    at: datetime = ACTED,
    meter: MetricMeter = MetricMeter.noop,
    metrics: ScriptedMetrics | None = None,
    clock_of: ClockOfAttempt = still_clock,
) -> Made | HeldBack | Refused | Standing:
    """Run one attempt of `change_flag`, started at that time."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, started_time=at)
    guard = guard_with(world.database, metrics)
    return environment.run(ChangeActivities(world.database, nowhere(world.database), guard, meter, clock_of=clock_of).change_flag, command)


def act(world: World, release: Release, at: datetime = ACTED) -> Made:
    """Make the change of the current stage. Fails the test unless it is made."""
    made = change(world, command_for(world, release), at)
    assert isinstance(made, Made)
    return made


def record(
    world: World,
    release: Release,
    step: Step,
    at: datetime = ACTED,
    sequence: int | None = None,
    metrics: ScriptedMetrics | None = None,
) -> Recorded | HeldBack | Refused | Standing:
    """Run one attempt of `record_progress`, by default with the record's current sequence."""
    expected = world.release(release.id).sequence if sequence is None else sequence
    command = RecordProgress(project=release.project, release=release.id, sequence=expected, at=at, step=step)
    guard = guard_with(world.database, metrics)
    return ActivityEnvironment().run(ReleaseActivities(world.database, guard, still_clock).record_progress, command)


def end_hold(world: World, release: Release, at: datetime = ACTED) -> Recorded | HeldBack | Refused | Standing:
    """End the hold that the release is in."""
    command = command_for(world, release)
    return record(world, release, HoldEnded(entered_at=command.entered_at, acts_at=command.acts_at, next=command.next), at)


def retry(world: World, release: Release, *, overwrite: bool = False) -> Recorded | HeldBack | Refused | Standing:
    """Retry the blocked stage, as Olivia."""
    by = Person(key=world.caller.key, owner=world.caller.owner.name, owner_id=world.caller.owner_id)
    return record(world, release, Retried(by=by, overwrite=overwrite, reason="have another go"), LATER)


def roll_back(world: World, release: Release, caller: Caller | None = None, at: datetime = LATER, **fields: Any) -> Release:
    """Request a rollback, by default as Olivia."""
    with world.database.transaction() as store:
        project = store.projects.get("shop", lock="share")
        return request_rollback(store, caller or world.caller, project, RollBackRelease(release=release.id, **fields), at)


def put_back(world: World, release: Release, at: datetime = LATER, **more: Any) -> Standing:
    """Run one attempt of `put_back`, by default with the record's current sequence."""
    now = world.release(release.id)
    assert now.rollback
    values = {"project": now.project, "release": now.id, "sequence": now.sequence, "n": now.rollback.n, "next": _after_to_stage(world, now)}
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, started_time=at)
    return environment.run(RollbackActivities(world.database, nowhere(world.database)).put_back, PutBack(**(values | more)))


def _after_to_stage(world: World, release: Release) -> NextStage | None:
    if release.rollback is None or release.rollback.to_stage is None:
        return None
    with world.database.reading() as store:
        pipeline = store.pipelines.version(release.pipeline.id)
    return next_stage_at(release_input(release, pipeline), release.rollback.undoes_from)


def read_standing(world: World, release: Release) -> Standing:
    """Return what `read_standing` returns to a workflow."""
    return ActivityEnvironment().run(
        ReleaseActivities(world.database, guard_with(world.database)).read_standing, ReadStanding(release=release.id)
    )


def change_by_hand(world: World, environment: str = "development", **patch: Any) -> None:
    """Change the flag outside the release."""
    with world.database.transaction() as store:
        provider_of(world.project, store).patch("checkout", environment, FlagPatch(**patch), NOW)


def changes_of(world: World, release: Release) -> list[Change]:
    """Return all changes of the release."""
    with world.database.reading() as store:
        return store.history.changes(release.id)


def runs_of(world: World, release: Release) -> list[StageRun]:
    """Return all visits of the release."""
    with world.database.reading() as store:
        return store.history.runs(release.id)


def audit_of(world: World, release: Release) -> list[AuditEntry]:
    """Return the release's audit entries, oldest first."""
    with world.database.reading() as store:
        return store.audit.page(Slice(limit=200), {"release": release.id}).items[::-1]


def events_of(world: World, release: Release) -> list[AuditEvent]:
    """Return the events of the release's audit entries, oldest first."""
    return [entry.event for entry in audit_of(world, release)]


def summary(answer: Made | HeldBack | Refused | Recorded | Standing) -> dict[str, Any]:
    """Return the fields of an answer that the tests compare."""
    return answer.model_dump(include={"at", "finished", "status", "sequence", "stage_index", "visit", "entered_at"})
