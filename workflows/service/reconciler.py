"""Closing the record of releases whose workflow was ended from outside. It does nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from activities.record.transitions import Ending, end
from activities.store.database import Database
from activities.store.identifiers import new_id
from domain.audit import SYSTEM, TEMPORAL
from domain.errors import NotFound, Superseded
from domain.releases.status import ReleaseStatus
from workflows.service.client import Fate, ReleaseClient, WorkflowFate

log = structlog.get_logger()

LATE = timedelta(seconds=60)
"""A stage this late is worth a look at its workflow."""
EVERY = timedelta(seconds=15)
OVERLAP = timedelta(minutes=10)
FIRST_LOOK_BACK = timedelta(days=7)
MOST_OVERDUE = 50
ROUND = 20
"""How many of all unfinished releases are looked at each time, in turn: Temporal may forget what nobody asks for."""

_ENDS = {
    WorkflowFate.CANCELLED: Ending(ReleaseStatus.REMOVED, TEMPORAL, "The workflow was cancelled at Temporal."),
    WorkflowFate.BROKEN: Ending(ReleaseStatus.TERMINATED, TEMPORAL, "The workflow was terminated, failed or timed out at Temporal."),
    WorkflowFate.ENDED: Ending(ReleaseStatus.TERMINATED, SYSTEM, "The workflow ended without its last stage."),
    WorkflowFate.GONE: Ending(ReleaseStatus.TERMINATED, SYSTEM, "Temporal no longer knows the workflow."),
}


class Reconciler:
    """A loop that one worker at a time runs."""

    def __init__(self, database: Database, releases: ReleaseClient, every: timedelta = EVERY) -> None:
        self.database = database
        self.releases = releases
        self.every = every
        self.holder = new_id()
        self._looked_until = datetime.now(UTC) - FIRST_LOOK_BACK
        self._last_in_turn = ""

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                if await asyncio.to_thread(self._take_lease):
                    await self.reconcile()
            except Exception as error:
                log.warning("reconciler_failed", error=str(error))
            await asyncio.sleep(self.every.total_seconds())

    async def reconcile(self) -> None:
        """Look at every workflow that was ended from outside lately, at those whose stage is overdue, and at some of the others in turn."""
        now = datetime.now(UTC)
        ended = [workflow_id async for workflow_id in self.releases.ended_from_outside(self._looked_until)]
        overdue = await asyncio.to_thread(self._overdue, now - LATE)
        if overdue:
            log.warning("releases_overdue", releases=len(overdue), latest=[_release_of(workflow_id) for workflow_id in overdue[:5]])
        in_turn = await asyncio.to_thread(self._next_in_turn)
        fates = {workflow_id: await self._fate(workflow_id) for workflow_id in dict.fromkeys([*ended, *overdue, *in_turn])}
        await self._close_all({workflow_id: fate for workflow_id, fate in fates.items() if fate})
        if all(fates.values()):
            self._looked_until = now - OVERLAP

    async def _fate(self, workflow_id: str) -> Fate | None:
        """Nothing where Temporal did not answer. A reset ends one run and starts another: only the latest run counts."""
        try:
            return await self.releases.fate(workflow_id)
        except Exception as error:
            log.warning("workflow_state_unknown", release=_release_of(workflow_id), workflow=workflow_id, error=str(error))
            return None

    async def _close_all(self, fates: dict[str, Fate]) -> None:
        """Absence counts only at a Temporal that knows others of our workflows: a wrong namespace, or one made anew, knows none."""
        knows_us = any(fate.what is not WorkflowFate.GONE for fate in fates.values())
        for workflow_id, fate in fates.items():
            if fate.what is WorkflowFate.GONE and not knows_us:
                log.error("namespace_has_no_releases", release=_release_of(workflow_id), workflow=workflow_id)
            elif fate.what in _ENDS:
                await asyncio.to_thread(self._close, workflow_id, _ENDS[fate.what], fate.at or datetime.now(UTC))

    def _close(self, workflow_id: str, ending: Ending, at: datetime) -> None:
        release_id = _release_of(workflow_id)
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
            return [release.moved_by for release in store.releases.overdue(due_before, MOST_OVERDUE)]

    def _next_in_turn(self) -> list[str]:
        with self.database.reading() as store:
            releases = store.releases.unfinished_after(self._last_in_turn, ROUND)
        self._last_in_turn = releases[-1].id if len(releases) == ROUND else ""
        return [release.moved_by for release in releases]

    def _take_lease(self) -> bool:
        with self.database.transaction() as store:
            return store.leases.take("reconciler", self.holder, datetime.now(UTC), self.every * 3)


def _release_of(workflow_id: str) -> str:
    """A rollback's id goes on after that of the release."""
    return workflow_id.split("/")[3]
