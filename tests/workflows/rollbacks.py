"""Rolling releases back as the API does, by the record alone, and finding the workflow that does it."""

from datetime import UTC, datetime

from temporalio.client import WorkflowHandle

from activities.commands.request_rollback import RollBackRelease, request_rollback
from domain.access import Caller
from domain.releases.release import Release
from tests.pipelines import enable, pipeline, set_value, stage
from tests.workflows.harness import Stand

SHORT = pipeline(stage("Development", actions=[enable(), set_value("one")]))


def ask(stand: Stand, release: Release, **wanted: object) -> Release:
    """Ask as the API does, by the record alone."""
    return roll_back_as(stand, release, stand.world.caller, **wanted)


def roll_back_as(stand: Stand, release: Release, caller: Caller, **wanted: object) -> Release:
    with stand.world.database.transaction() as store:
        message = RollBackRelease.model_validate({"release": release.id, "reason": "it fails"} | wanted)
        return request_rollback(store, caller, stand.world.project, message, datetime.now(tz=UTC))


async def roll_back(stand: Stand, release: Release, **wanted: object) -> Release:
    asked = ask(stand, release, **wanted)
    await stand.delivery.deliver()
    return asked


def rollback_of(stand: Stand, release: Release) -> WorkflowHandle[object, object]:
    """The workflow that rolls back a release which had ended."""
    return stand.env.client.get_workflow_handle(stand.record(release).rollback_workflow_id)


async def completed(stand: Stand) -> Release:
    stand.world.publish(SHORT)
    release = await stand.add()
    await stand.until(release, "completed")
    await stand.handle(release).result()
    return stand.record(release)
