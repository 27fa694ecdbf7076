"""Passes of the reconciler, repeated until Temporal has listed what was closed."""

from domain.releases.release import Release
from tests.waiting import wait_until
from tests.workflows.harness import Harness
from workflows.service.reconciler import Reconciler


async def reconcile_until_finished(harness: Harness, release: Release) -> Release:
    """Reconcile until the record of the release is finished."""
    reconciler = Reconciler(harness.world.database, harness.releases)

    async def finished() -> Release | None:
        await reconciler.reconcile()
        record = harness.record(release)
        return record if record.is_finished else None

    return await wait_until("the reconciler to close the release", finished)
