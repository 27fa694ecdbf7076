"""The activity that samples the guardrails and gates of a stage for as long as a release is in it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from temporalio import activity

from activities.guarding.recorder import SampleRecorder
from activities.guarding.sampling import Sampler
from activities.guarding.watching import Watch, visit_of
from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.watchers import Visit
from activities.temporal_clock import TemporalClock
from activities.watch_messages import WatchStage

log = structlog.get_logger()


class WatchActivities:
    """Watches of stages. They share the recorder, the threads that ask sources, and the questions under way."""

    def __init__(
        self, database: Database, sampler: Sampler, threads: ThreadPoolExecutor, on_decision: Callable[[], None] = lambda: None
    ) -> None:
        """Take threads for calls to sources, and a function to call when something was decided that the workflow must be told."""
        self.database = database
        self.sampler = sampler
        self.threads = threads
        self.on_decision = on_decision
        self.recorder = SampleRecorder(database)
        self.watcher = new_id()
        self.clock: TemporalClock | None = None
        """Temporal's clock, once this worker has heard from it."""
        self._attempts: set[Visit] = set()
        self._detached: dict[Visit, asyncio.Task[None]] = {}

    @property
    def attempts(self) -> set[Visit]:
        """The visits that are watched here by attempts of Temporal's."""
        return set(self._attempts)

    @property
    def detached(self) -> set[Visit]:
        """The visits that are watched here without an attempt."""
        return set(self._detached)

    @activity.defn(name="watch_stage")
    async def watch_stage(self, command: WatchStage) -> None:
        """Sample until the release has left the stage. Fails when the worker shuts down, to be continued by another one at once.

        While Temporal can't be reached, the SDK ends the attempt, because nobody hears its heartbeat. The watch goes on without it until
        another attempt takes over, once Temporal is back.
        """
        visit = visit_of(command)
        self.clock = TemporalClock(activity.info().started_time)
        self.release(visit)
        watch = Watch(self, command, self.clock)
        self._attempts.add(visit)
        try:
            await watch.run()
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details and (details.timed_out or details.not_found):
                self._detach(visit, watch)  # Nobody heard its heartbeat, or its workflow has ended, which the record tells.
            if details and details.cancel_requested:
                await asyncio.to_thread(watch.close)
            if details is None or not details.not_found:
                raise
        finally:
            self._attempts.discard(visit)

    def adopt(self, command: WatchStage) -> None:
        """Watch a stage whose worker has died, until an attempt of Temporal's samples it. Does nothing until Temporal's clock is known."""
        visit = visit_of(command)
        if self.clock and visit not in self._attempts and visit not in self._detached:
            log.warning("watch_taken_over", project=command.project, release=command.release, stage=command.stage)
            self._detach(visit, Watch(self, command, self.clock))

    def release(self, visit: Visit) -> None:
        """End a watch that goes on without an attempt, because somebody else has it now."""
        if detached := self._detached.pop(visit, None):
            detached.cancel()

    def _detach(self, visit: Visit, watch: "Watch") -> None:
        task = self._detached[visit] = asyncio.create_task(watch.run_detached())
        task.add_done_callback(lambda done: self._detached.pop(visit) if self._detached.get(visit) is done else None)
