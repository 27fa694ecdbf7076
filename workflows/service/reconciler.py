"""The reconciler: closes the record of releases whose workflow was closed externally, and wakes those that waited for an outage to end."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from activities.record.transitions import Ending, end
from activities.store.database import Database
from activities.store.identifiers import new_id
from domain.audit import SYSTEM, TEMPORAL
from domain.errors import NotFound, Superseded
from domain.releases.release import release_of_workflow
from domain.releases.status import ReleaseStatus
from workflows.service.client import ReleaseClient, WorkflowInfo, WorkflowState

log = structlog.get_logger()

OVERDUE_AFTER = timedelta(seconds=60)
"""Check the workflow of a release whose stage is later than this."""
INTERVAL = timedelta(seconds=15)
OVERLAP = timedelta(minutes=10)
INITIAL_LOOKBACK = timedelta(days=7)
MAX_OVERDUE = 50
SWEEP_SIZE = 20
"""The number of unfinished releases that each pass checks, in turn: Temporal may have lost a workflow without listing it as closed."""

DUE_PAGE = 500
WAKE_SIZE = 20
"""The number of workflows that are woken at the same time."""

_ENDINGS = {
    WorkflowState.CANCELLED: Ending(ReleaseStatus.REMOVED, TEMPORAL, "The workflow was cancelled at Temporal."),
    WorkflowState.BROKEN: Ending(ReleaseStatus.TERMINATED, TEMPORAL, "The workflow was terminated, failed or timed out at Temporal."),
    WorkflowState.ENDED: Ending(ReleaseStatus.TERMINATED, SYSTEM, "The workflow ended before its release did."),
    WorkflowState.GONE: Ending(ReleaseStatus.TERMINATED, SYSTEM, "Temporal no longer knows the workflow."),
}


class Reconciler:
    """A loop that runs in one worker at a time."""

    def __init__(self, database: Database, releases: ReleaseClient, interval: timedelta = INTERVAL) -> None:
        self.database = database
        self.releases = releases
        self.interval = interval
        self.holder = new_id()
        self._checked_until = datetime.now(UTC) - INITIAL_LOOKBACK
        self._sweep_cursor = ""
        self.had_outage = False

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                if await asyncio.to_thread(self._take_lease):
                    if self.had_outage:
                        await self.wake_due()
                    await self.reconcile()
                self.had_outage = False
            except Exception as error:
                self.had_outage = True
                log.warning("reconciler_failed", error=str(error))
            await asyncio.sleep(self.interval.total_seconds())

    async def wake_due(self) -> None:
        """Retry the activities of due releases at once. After a long outage, their next attempts may be minutes away."""
        due = await asyncio.to_thread(self._due, datetime.now(UTC))
        log.info("outage_over", releases=len(due))
        for start in range(0, len(due), WAKE_SIZE):
            await asyncio.gather(*(self.releases.wake(workflow_id) for workflow_id in due[start : start + WAKE_SIZE]))

    async def reconcile(self) -> None:
        """Check workflows that were closed externally, those of overdue releases, and some of the others in turn."""
        now = datetime.now(UTC)
        closed = [workflow_id async for workflow_id in self.releases.closed_externally(self._checked_until)]
        overdue = await asyncio.to_thread(self._overdue, now - OVERDUE_AFTER)
        if overdue:
            log.warning("releases_overdue", releases=len(overdue), latest=[release_of_workflow(workflow_id) for workflow_id in overdue[:5]])
        swept = await asyncio.to_thread(self._next_in_turn)
        infos = {workflow_id: await self._describe(workflow_id) for workflow_id in dict.fromkeys([*closed, *overdue, *swept])}
        await self._close_all({workflow_id: info for workflow_id, info in infos.items() if info})
        if all(infos.values()):
            self._checked_until = now - OVERLAP

    async def _describe(self, workflow_id: str) -> WorkflowInfo | None:
        """Return the state of the latest run (a reset closes one run and starts a new one), or None if Temporal did not answer."""
        try:
            return await self.releases.describe(workflow_id)
        except Exception as error:
            log.warning("workflow_state_unknown", release=release_of_workflow(workflow_id), workflow=workflow_id, error=str(error))
            return None

    async def _close_all(self, infos: dict[str, WorkflowInfo]) -> None:
        """Close the records. A missing workflow counts only if the namespace has others of ours: otherwise it is probably wrong or new."""
        has_ours = any(info.state is not WorkflowState.GONE for info in infos.values())
        for workflow_id, info in infos.items():
            if info.state is WorkflowState.GONE and not has_ours:
                log.error("namespace_has_no_releases", release=release_of_workflow(workflow_id), workflow=workflow_id)
            elif info.state in _ENDINGS:
                await asyncio.to_thread(self._close, workflow_id, _ENDINGS[info.state], info.closed_at or datetime.now(UTC))

    def _close(self, workflow_id: str, ending: Ending, at: datetime) -> None:
        release_id = release_of_workflow(workflow_id)
        try:
            with self.database.transaction() as store:
                release = store.releases.get(release_id, lock=True)
                unfinished = not release.is_finished and release.status is not ReleaseStatus.STARTING
                if unfinished and release.moved_by == workflow_id:
                    end(store, release, ending, at, f"reconciled/{release.sequence}")
                    log.info(
                        "release_closed", release=release_id, project=release.project, feature=release.feature, status=ending.status.value
                    )
        except (NotFound, Superseded):
            pass

    def _overdue(self, due_before: datetime) -> list[str]:
        with self.database.reading() as store:
            return [release.moved_by for release in store.releases.overdue(due_before, MAX_OVERDUE)]

    def _due(self, now: datetime) -> list[str]:
        due, after = list[str](), ""
        while True:
            with self.database.reading() as store:
                page = store.releases.unfinished_after(after, DUE_PAGE)
            due += [
                release.moved_by
                for release in page
                if release.status is ReleaseStatus.ROLLING_BACK or (release.acts_at and release.acts_at <= now)
            ]
            if len(page) < DUE_PAGE:
                return due
            after = page[-1].id

    def _next_in_turn(self) -> list[str]:
        with self.database.reading() as store:
            releases = store.releases.unfinished_after(self._sweep_cursor, SWEEP_SIZE)
        self._sweep_cursor = releases[-1].id if len(releases) == SWEEP_SIZE else ""
        return [release.moved_by for release in releases]

    def _take_lease(self) -> bool:
        with self.database.transaction() as store:
            return store.leases.take("reconciler", self.holder, datetime.now(UTC), self.interval * 3)
