"""The keeper of watches: takes over those of a worker that has died, minutes before Temporal knows that it has."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog

from activities.store.database import Database
from activities.store.watchers import Visit
from activities.watch import WatchActivities
from activities.watch_messages import WatchStage
from domain.pipelines.pipeline import Pipeline
from domain.releases.release import Release
from workflows.messages import ReleasePlace, release_input
from workflows.release_steps import watch_command

log = structlog.get_logger()

INTERVAL = timedelta(seconds=1.5)
SILENT_LOOKS = 3
"""The number of looks in a row in which a living worker shows at least one sign of life."""


class WatchKeeper:
    """A loop in each worker. It compares no clocks: it counts its own looks at the signs of life of others."""

    def __init__(self, database: Database, watches: WatchActivities) -> None:
        self.database = database
        self.watches = watches
        self._silence: dict[str, tuple[int, int]] = {}
        """Worker -> its last sign of life, and the number of looks since."""

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("watch_keeper_failed", error=str(error))
            await asyncio.sleep(INTERVAL.total_seconds())

    async def look(self) -> None:
        """Show a sign of life, and take over the watches of workers without one."""
        attempts, detached = self.watches.attempts, self.watches.detached
        mine = await asyncio.to_thread(self._look, attempts, bool(attempts or detached))
        for visit in detached - mine:
            self.watches.release(visit)  # Another worker has it by now.
        for command in await asyncio.to_thread(self._commands, mine - attempts - detached):
            self.watches.adopt(command)

    def _look(self, attempts: set[Visit], is_watching: bool) -> set[Visit]:
        """Return the visits that are to be watched here, with those that are taken over from silent workers.

        Attempts of Temporal's go before watches that were taken over, so a worker that was frozen claims its own again.
        """
        with self.database.reading() as store:
            beats, mine = store.watchers.beats(), store.watchers.visits_of(self.watches.watcher)
        if self.watches.clock is None:  # Its samples would have wrong times.
            return mine
        if is_watching:
            with self.database.transaction() as store:
                store.watchers.open(attempts - mine, self.watches.watcher)
        for silent in self._silent(beats):
            with self.database.transaction() as store:
                mine.update(store.watchers.take_over(silent, beats[silent], self.watches.watcher))
        return mine

    def _commands(self, visits: set[Visit]) -> list[WatchStage]:
        return [command for visit in sorted(visits) if (command := self._command(visit))]

    def _silent(self, beats: Mapping[str, int]) -> list[str]:
        """Return the workers that have shown no sign of life for some looks."""
        silence = {}
        for watcher, count in beats.items():
            last, looks = self._silence.get(watcher, (None, 0))
            silence[watcher] = (count, looks + 1 if count == last else 0)
        self._silence = silence
        return [watcher for watcher, (_, looks) in silence.items() if looks >= SILENT_LOOKS and watcher != self.watches.watcher]

    def _command(self, visit: Visit) -> WatchStage | None:
        """Return the command that watches a visit, or None, and close the watch, if the release has left."""
        with self.database.transaction() as store:
            release = store.releases.get(visit.release)
            if release.is_finished or release.visit != visit.number:
                store.watchers.close(visit, self.watches.watcher)
                return None
            return watch_of(release, store.pipelines.version(release.pipeline.id))


def watch_of(release: Release, pipeline: Pipeline) -> WatchStage | None:
    """Return the command that watches the stage in which a release is by its record, or None if nothing in it is sampled."""
    entered_at = release.entered_at or release.added_at
    place = ReleasePlace(
        index=release.stage_index,
        visit=release.visit,
        sequence=release.sequence,
        entered_at=entered_at,
        acts_at=release.acts_at or entered_at,
    )
    return watch_command(release_input(release, pipeline), place)
