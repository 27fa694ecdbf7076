"""The recorder of samples: one transaction for all that arrive within a moment, whoever watches."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from activities.guarding.breach import UNKNOWNS_REPORTED, report_unknown
from activities.guarding.sampling import Readings, Rule, record_readings
from activities.store.database import Database, Store
from activities.store.evidence import WatchKey, Whereabouts
from activities.store.outbox import OutboxKind
from domain.metrics.condition import Outcome
from domain.pipelines.gate import MetricGate
from domain.pipelines.guardrail import Guardrail
from domain.releases.observed import Observed

BATCH_SECONDS = 0.2
SAMPLED_HOLDS = ("guardrail", "metric", "check", "experiment")
"""The codes of what holds a stage back until samples pass."""


class Recorded(NamedTuple):
    """The state of a rule after its readings, and where its release is. None if the record of the release is gone."""

    observed: Observed
    whereabouts: Whereabouts | None


class _Waiting(NamedTuple):
    readings: Readings
    rules: Mapping[str, Rule]
    result: "asyncio.Future[Recorded]"


class SampleRecorder:
    """Stores readings in batches. It belongs to one event loop."""

    def __init__(self, database: Database, batch_seconds: float = BATCH_SECONDS) -> None:
        self.database = database
        self.batch_seconds = batch_seconds
        self._waiting: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None

    async def record(self, readings: Readings, rules: Mapping[str, Rule]) -> Recorded:
        """Store readings of one of a stage's rules, and return the state after them. Raises what the database raises."""
        waiting = _Waiting(readings, rules, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await waiting.result

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(self.batch_seconds)
            batch, self._waiting = self._waiting, []
            try:
                results = await asyncio.to_thread(self._store, batch)
            except Exception as error:
                for each in batch:
                    if not each.result.done():
                        each.result.set_exception(error)
                continue
            for each, recorded in zip(batch, results, strict=True):
                if not each.result.done():
                    each.result.set_result(recorded)
        self._flushing = None

    def _store(self, batch: Sequence[_Waiting]) -> list[Recorded]:
        with self.database.transaction() as store:
            states = record_readings(store, [each.readings for each in batch])
            whereabouts = store.evidence.whereabouts({each.readings.watch.release for each in batch})
        # In a transaction of its own: it touches releases, which a breach locks before the state of a watch.
        unknown, held = _newly_unknown(batch, states), _held(batch, whereabouts)
        if unknown or held:
            with self.database.transaction() as store:
                for each in unknown:
                    _report(store, each, states)
                _wake_passing(store, held)
        return [Recorded(states[each.readings.watch], whereabouts.get(each.readings.watch.release)) for each in batch]


def _newly_unknown(batch: Sequence[_Waiting], states: Mapping[WatchKey, Observed]) -> list[_Waiting]:
    """Return the guardrails of which enough samples in a row can't tell since this batch."""
    return [each for each in batch if _is_newly_unknown(each, states[each.readings.watch])]


def _is_newly_unknown(each: _Waiting, newest: Observed) -> bool:
    added = each.readings.readings
    is_new = any(reading.at == newest.at for reading in added)
    crosses = newest.unknowns - len(added) < UNKNOWNS_REPORTED <= newest.unknowns
    return isinstance(each.rules[each.readings.watch.key], Guardrail) and is_new and crosses


def _report(store: Store, each: _Waiting, states: Mapping[WatchKey, Observed]) -> None:
    watch, rule = each.readings.watch, each.rules[each.readings.watch.key]
    if isinstance(rule, Guardrail):
        report_unknown(store, watch, rule, states[watch])


def _held(batch: Sequence[_Waiting], whereabouts: Mapping[str, Whereabouts]) -> dict[str, _Waiting]:
    """Return release -> one of its readings, for those that a guardrail or gate holds back."""
    return {
        each.readings.watch.release: each
        for each in batch
        if (where := whereabouts.get(each.readings.watch.release))
        and where.held
        and where.held.code in SAMPLED_HOLDS
        and where.visit == each.readings.watch.visit
    }


def _wake_passing(store: Store, held: Mapping[str, _Waiting]) -> None:
    """Tell the workflows of releases whose guardrails and gates all pass now. If this is lost, the next samples do it."""
    for release, each in held.items():
        observed = store.evidence.observed(release, each.readings.watch.visit)
        if all(_allows(rule, observed.get(key)) for key, rule in each.rules.items()):
            store.outbox.add(OutboxKind.LOOK_AGAIN, release)


def _allows(rule: Rule, observed: Observed | None) -> bool:
    if isinstance(rule, Guardrail) and not rule.holds_changes:
        return True
    if observed is None or observed.outcome is not Outcome.PASS:
        return False
    return not isinstance(rule, MetricGate) or observed.has_passed_for(rule.passing_for, observed.at)
