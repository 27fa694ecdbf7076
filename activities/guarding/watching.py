"""One watch of a stage: samples its rules at their times, and takes breaches, as an attempt of Temporal's or without one."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.guarding.consequence import carry_out_breach
from activities.guarding.recorder import SAMPLED_HOLDS, Recorded, SampleRecorder
from activities.guarding.sampling import Readings, Sampler, stage_to_watch
from activities.store.database import Database
from activities.store.evidence import Whereabouts
from activities.store.watchers import Visit
from activities.temporal_clock import TemporalClock
from activities.watch_messages import WatchStage
from domain.metrics.condition import Outcome
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.gate import CheckGate
from domain.pipelines.guardrail import Guardrail
from domain.releases.observed import Observed
from domain.releases.status import FINISHED

log = structlog.get_logger()

Answer = TypeVar("Answer")

BEATS = 2.5
"""The number of heartbeats within a heartbeat timeout. The SDK sends on the last of each four fifths of it."""

USUAL_TIMEOUT = timedelta(seconds=8)
"""The heartbeat timeout of an activity that has none, as in tests without a server."""

AGAIN = timedelta(seconds=5)
"""The time after which a sample that could not be stored is taken again, however long the interval is."""


class WatchParts(Protocol):
    """The parts that all watches of a worker share."""

    database: Database
    sampler: Sampler
    threads: ThreadPoolExecutor
    recorder: SampleRecorder
    on_decision: Callable[[], None]
    watcher: str


def visit_of(command: WatchStage) -> Visit:
    """Return the visit that a command watches."""
    return Visit(command.release, command.visit)


class Watch:
    """One watch: it samples the rules of a stage until the release has left."""

    def __init__(self, shared: WatchParts, command: WatchStage, clock: TemporalClock) -> None:
        self.shared = shared
        self.command = command
        self.stage = stage_to_watch(command)
        self.clock = clock
        self.observed: dict[str, Observed] = {}
        self.whereabouts: Whereabouts | None = None
        self.is_detached = False
        self.has_successor = False

    async def run(self) -> None:
        """Run the watch of each rule until one finds that the release has left."""
        self.observed, self.whereabouts = await asyncio.to_thread(self._read)
        if self._has_left():
            return
        await asyncio.to_thread(self._open)
        watches = [asyncio.create_task(self._watch(key)) for key in self.stage.rules]
        stopping = asyncio.create_task(activity.wait_for_worker_shutdown())
        beating = asyncio.create_task(self._beat())
        tasks = [*watches, stopping, beating]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done - {stopping}:
            task.result()
        if stopping not in done:
            await asyncio.to_thread(self.close)
        else:
            raise ApplicationError(
                "The worker is shutting down.", category=ApplicationErrorCategory.BENIGN, next_retry_delay=timedelta(milliseconds=100)
            )

    async def run_detached(self) -> None:
        """Go on until the release has left the stage, or another attempt samples it."""
        self.is_detached = True
        await self._read_when_possible()
        if not self._has_left():
            log.warning("watch_detached", project=self.stage.project, release=self.stage.release, stage=self.command.stage)
            await asyncio.gather(*(self._watch(key) for key in self.stage.rules))
        if not self.has_successor:
            await asyncio.to_thread(self.close)

    async def _watch(self, key: str) -> None:
        """Sample one rule at each of its times, until the release has left the stage."""
        rule = self.stage.rules[key]
        identity = await self._in_thread(self.shared.sampler.identity, self.stage, key, self.clock.now())
        phase = _phase(identity, rule.every)
        is_sampled = not self._is_overdue(key, rule.every) or await self._sample(key)
        while not self._has_left():
            wait = _seconds_to_next(self.clock.now(), rule.every, phase)
            await asyncio.sleep(wait if is_sampled else min(wait, AGAIN.total_seconds()))
            is_sampled = await self._sample(key)

    def _is_overdue(self, key: str, every: timedelta) -> bool:
        last = self.observed.get(key)
        return self.clock.now() - (last.at if last else self.stage.entered_at) >= every

    async def _sample(self, key: str) -> bool:
        """Sample one rule, and take its breach. Returns False if that failed, so that it is tried again soon."""
        rule, at = self.stage.rules[key], self.clock.now()
        try:
            if isinstance(rule, CheckGate) and not await self._waits_for_check():
                return True
            if isinstance(rule, ExperimentGate) and key in self.observed and self.observed[key].outcome is Outcome.PASS:
                return True  # It has decided.
            readings = await self._ask(key, at)
            recorded: Recorded = await self.shared.recorder.record(readings, self.stage.rules)
            self.has_successor |= self.is_detached and recorded.observed.at > at
            self.observed[key], self.whereabouts = recorded.observed, recorded.whereabouts
            if isinstance(rule, Guardrail) and recorded.observed.breaches(rule) and not self._has_left():
                breach = (self.shared.database, self.stage.project, self.stage.key(key), rule, self.clock.now())
                await asyncio.to_thread(carry_out_breach, *breach)
                self.observed[key] = recorded.observed.after_breach(at)
                self.shared.on_decision()
                _, self.whereabouts = await asyncio.to_thread(self._read)
        except Exception as error:
            log.warning("sample_failed", release=self.stage.release, rule=key, error=str(error))
            return False
        return True

    async def _ask(self, key: str, at: datetime) -> Readings:
        return await self._in_thread(self.shared.sampler.read, self.stage, key, self.observed.get(key), at)

    async def _in_thread(self, call: Callable[..., Answer], *arguments: Any) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self.shared.threads, call, *arguments)

    async def _beat(self) -> None:
        """Tell Temporal that the watch is alive, with the last samples."""
        seconds = (activity.info().heartbeat_timeout or USUAL_TIMEOUT).total_seconds() / BEATS
        while not self._has_left():
            activity.heartbeat({key: f"{each.outcome}: {each.message}" for key, each in self.observed.items()})
            await asyncio.sleep(seconds)

    async def _read_when_possible(self) -> None:
        while True:
            try:
                self.observed, self.whereabouts = await asyncio.to_thread(self._read)
                return
            except SQLAlchemyError as error:
                log.warning("record_not_read", release=self.stage.release, error=str(error))
                await asyncio.sleep(AGAIN.total_seconds())

    def _open(self) -> None:
        with self.shared.database.transaction() as store:
            store.watchers.open([visit_of(self.command)], self.shared.watcher)

    def close(self) -> None:
        """Note that the stage is no longer watched here. If that fails, whoever takes over the watches of this worker finds it."""
        with suppress(SQLAlchemyError), self.shared.database.transaction() as store:
            store.watchers.close(visit_of(self.command), self.shared.watcher)

    def _read(self) -> tuple[dict[str, Observed], Whereabouts | None]:
        with self.shared.database.reading() as store:
            observed = store.evidence.observed(self.stage.release, self.stage.visit)
            return dict(observed), store.evidence.whereabouts([self.stage.release]).get(self.stage.release)

    def _has_left(self) -> bool:
        where = self.whereabouts
        return self.has_successor or where is None or where.visit != self.stage.visit or where.status in FINISHED

    async def _waits_for_check(self) -> bool:
        """True if the stage is due and waits for samples. Before that, nobody needs the answer."""
        _, self.whereabouts = await asyncio.to_thread(self._read)
        return self.whereabouts is not None and self.whereabouts.held is not None and self.whereabouts.held.code in SAMPLED_HOLDS


def _phase(identity: str, every: timedelta) -> float:
    """Return the offset of samples within the interval, in seconds. Different questions don't fall together, and the same ones do."""
    digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * every.total_seconds()


def _seconds_to_next(now: datetime, every: timedelta, phase: float) -> float:
    seconds = every.total_seconds()
    return seconds - (now.timestamp() - phase) % seconds
