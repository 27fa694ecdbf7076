"""Controls, sent to the workflow or written to the record as the API does, and waits until the workflow knows of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import select
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from activities.providers.catalogue import provider_of
from activities.store.database import Database
from activities.store.tables import projects
from domain.access import Person
from domain.flags.patch import FlagPatch
from domain.releases.control import Control
from domain.releases.release import Release
from tests.pipelines import enable, pipeline, set_value, stage
from tests.waiting import wait_until
from tests.workflows.harness import Harness
from tests.world import NOW, World
from workflows.messages import ReleasePlace, RestartRelease, RetryRelease, SteerRelease
from workflows.service.client import TemporalUnavailable

THREE_STAGES = pipeline(
    stage("Development", actions=[set_value("one")]),
    stage("Staging", "staging", "1h", [set_value("two")]),
    stage("Production", "production", "1s", [enable(), set_value("three")]),
)

_MESSAGES = {Control.RETRY: RetryRelease, Control.RESTART: RestartRelease}


def olivia(harness: Harness) -> Person:
    """Return the person who added the flag."""
    caller = harness.world.caller
    return Person(key=caller.key, owner=caller.owner.name, owner_id=caller.owner_id)


async def send(harness: Harness, release: Release, control: Control, update_id: str = "", **fields: object) -> Release:
    """Send a control, and return the record, which shows its effect."""
    message = _MESSAGES.get(control, SteerRelease).model_validate({"by": olivia(harness), "reason": "to try"} | fields)

    async def is_handled() -> bool:
        with suppress(TemporalUnavailable):  # Sent again under its id, the control takes effect once.
            await harness.releases.send_control(release, control, message, update_id or f"{control}/{release.sequence}")
            return True
        return False

    await wait_until(f"{control} to be handled", is_handled)
    return harness.record(release)


async def pause(harness: Harness, release: Release, at: datetime | None = None) -> Release:
    """Pause by the record alone, and signal the workflow."""
    request = EndOrPauseRelease(release=release.id, reason="lunch")
    with harness.world.database.transaction() as store:
        paused = pause_release(store, harness.world.caller, harness.world.project, request, at or datetime.now(tz=UTC))
    await harness.run_outbox()
    return paused


def remove(harness: Harness, release: Release) -> None:
    """Remove by the record alone, without signalling the workflow."""
    with harness.world.database.transaction() as store:
        remove_release(store, harness.world.caller, harness.world.project, EndOrPauseRelease(release=release.id), NOW)


def change_by_hand(world: World, patch: FlagPatch, environment: str = "production") -> None:
    """Change the flag without the release."""
    with world.database.transaction() as store:
        provider_of(world.project, store).patch("checkout", environment, patch, NOW)


async def add_and_change_by_hand(harness: Harness, patch: FlagPatch, environment: str = "production") -> Release:
    """Add the flag, and change it by hand before the workflow starts."""
    release = await asyncio.to_thread(harness.world.add)
    change_by_hand(harness.world, patch, environment)
    await harness.run_outbox()
    return release


async def waiting_in_staging(harness: Harness) -> Release:
    """Return a release whose second stage waits for an hour."""
    harness.world.publish(THREE_STAGES)
    release = await harness.add()
    waiting = await harness.until(release, "running", stage="Staging")
    await harness.until_timer_set(waiting)
    return waiting


async def until_paused(harness: Harness, release: Release) -> ReleasePlace:
    """Wait until the workflow knows that the release is paused."""
    return await harness.until_place(release, "the workflow to be paused", lambda place: place.paused)


async def until_blocked(harness: Harness, release: Release) -> ReleasePlace:
    """Wait until the workflow knows that the release is blocked."""
    return await harness.until_place(release, "the workflow to be blocked", lambda place: place.blocked)


async def until_admitted(harness: Harness, release: Release, *update_ids: str) -> None:
    """Wait until the server has these updates, which no worker need have accepted."""
    execution = WorkflowExecution(workflow_id=release.workflow_id)

    async def is_admitted(update_id: str) -> bool:
        reference = UpdateRef(workflow_execution=execution, update_id=update_id)
        request = PollWorkflowExecutionUpdateRequest(namespace="default", update_ref=reference)
        await harness.env.client.workflow_service.poll_workflow_execution_update(request, timeout=timedelta(seconds=10))
        return True

    for update_id in update_ids:
        await wait_until(f"update {update_id}", partial(is_admitted, update_id))


@contextmanager
def project_locked(database: Database) -> Iterator[None]:
    """Keep changes of flags waiting for the project's row until they give up. Controls don't need it."""
    with database.engine.begin() as connection:
        connection.execute(select(projects.c.id).with_for_update())
        yield
