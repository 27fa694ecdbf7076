"""Rollbacks, requested by the record as the API does, and the workflows that carry them out."""

from datetime import UTC, datetime

from activities.commands.request_rollback import RollBackRelease, request_rollback
from domain.access import Caller
from domain.releases.release import Release
from tests.pipelines import enable, pipeline, set_value, stage
from tests.workflows.harness import Handle, Harness

ONE_STAGE = pipeline(stage("Development", actions=[enable(), set_value("one")]))


def request(harness: Harness, release: Release, **fields: object) -> Release:
    """Request a rollback by the record alone, without signalling a workflow."""
    return request_as(harness, release, harness.world.caller, **fields)


def request_as(harness: Harness, release: Release, caller: Caller, **fields: object) -> Release:
    """Request a rollback on behalf of that caller."""
    with harness.world.database.transaction() as store:
        message = RollBackRelease.model_validate({"release": release.id, "reason": "it fails"} | fields)
        return request_rollback(store, caller, harness.world.project, message, datetime.now(tz=UTC))


async def roll_back(harness: Harness, release: Release, **fields: object) -> Release:
    """Request a rollback, and signal or start its workflow."""
    requested = request(harness, release, **fields)
    await harness.run_outbox()
    return requested


def rollback_handle(harness: Harness, release: Release) -> Handle:
    """Return the handle of the workflow that rolls back an ended release."""
    return harness.env.client.get_workflow_handle(harness.record(release).rollback_workflow_id)


async def completed_release(harness: Harness) -> Release:
    """Return a release that has completed its only stage."""
    harness.world.publish(ONE_STAGE)
    release = await harness.add()
    await harness.until(release, "completed")
    await harness.result(harness.handle(release))
    return harness.record(release)
