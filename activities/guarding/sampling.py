"""Sampling of guardrails and gates: the questions that each asks, and the readings that become evidence."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from activities.guarding.experiments import observe_look
from activities.store.database import Store
from activities.store.evidence import StoredSample, WatchKey
from activities.watch_messages import WatchStage
from domain.experiments.look import Look
from domain.metrics.check import CheckAnswer, CheckQuestion
from domain.metrics.condition import Outcome, Verdict
from domain.metrics.metric import MetricQuestion
from domain.metrics.sample import Sample
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.gate import CheckGate, Gate, MetricGate, SampledGate, gate_key
from domain.pipelines.guardrail import Guardrail
from domain.releases.observed import Observed, observed_after
from domain.statistics.confidence_sequence import Arm

Rule = Guardrail | SampledGate

OVERDUE = 1.5
"""The number of intervals without a sample after which the source is asked for what was missed."""


class Metrics(Protocol):
    """The part of a metric reader that sampling needs."""

    def sample(self, question: MetricQuestion) -> Sample: ...  # noqa: D102
    def samples(self, question: MetricQuestion, every: timedelta) -> Sequence[Sample]: ...  # noqa: D102
    def check(self, question: CheckQuestion) -> CheckAnswer: ...  # noqa: D102
    def identity(self, question: MetricQuestion) -> str: ...  # noqa: D102


class SampledStage(NamedTuple):
    """The visit of a release to a stage, with everything that is sampled in it."""

    project: str
    feature: str
    environment: str
    entered_at: datetime
    release: str
    visit: int
    rules: Mapping[str, Rule]

    def key(self, rule: str) -> WatchKey:
        """Return the key of a rule's evidence."""
        return WatchKey(self.release, self.visit, rule)


class Reading(NamedTuple):
    """One judged sample. That of an experiment has its numbers, which are judged together with all earlier ones."""

    at: datetime
    verdict: Verdict
    until: datetime | None = None
    look: Look | None = None


class Readings(NamedTuple):
    """The judged samples of one rule, oldest first."""

    watch: WatchKey
    rule: Rule
    readings: Sequence[Reading]


def rules_of(gates: Sequence[Gate], guardrails: Sequence[Guardrail]) -> dict[str, Rule]:
    """Return key -> rule, for all guardrails and for the gates that sample something."""
    sampled = {gate_key(number): gate for number, gate in enumerate(gates, start=1) if isinstance(gate, SampledGate)}
    return {guardrail.key: guardrail for guardrail in guardrails} | sampled


def stage_to_watch(command: WatchStage) -> SampledStage:
    """Return the stage that a watch samples."""
    return SampledStage(
        project=command.project,
        feature=command.feature,
        environment=command.environment,
        entered_at=command.entered_at,
        release=command.release,
        visit=command.visit,
        rules=rules_of(command.gates, command.guardrails),
    )


class Sampler:
    """Asks sources, and judges their answers."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def identity(self, stage: SampledStage, key: str, at: datetime) -> str:
        """Return what two rules have in common whose samples are the same."""
        rule = stage.rules[key]
        return f"{stage.release}/{key}" if isinstance(rule, CheckGate) else self.metrics.identity(_question(stage, rule, at))

    def read(self, stage: SampledStage, key: str, last: Observed | None, at: datetime) -> Readings:
        """Sample one rule. If samples were missed since the last one, the source is asked for those too, as far as it knows them."""
        rule = stage.rules[key]
        return Readings(stage.key(key), rule, list(self._readings(stage, rule, last, at)))

    def _readings(self, stage: SampledStage, rule: Rule, last: Observed | None, at: datetime) -> Iterator[Reading]:
        if isinstance(rule, CheckGate):
            question = CheckQuestion(
                project=stage.project,
                source=rule.source,
                path=rule.path,
                feature=stage.feature,
                environment=rule.environment or stage.environment,
                at=at,
            )
            answer = self.metrics.check(question)
            yield Reading(at, Verdict(answer.outcome, None, answer.message), answer.until)
            return
        if isinstance(rule, ExperimentGate):
            yield self._look(stage, rule, at)
            return
        asked = _question(stage, rule, at)
        known_until = last.at if last else stage.entered_at
        if at - known_until > rule.every * OVERDUE:
            missed = self.metrics.samples(asked.model_copy(update={"since": known_until}), rule.every)
            yield from (Reading(each.at, rule.condition.judge(each)) for each in missed if known_until < each.at < at)
        yield Reading(at, rule.condition.judge(self.metrics.sample(asked)))

    def _look(self, stage: SampledStage, gate: ExperimentGate, at: datetime) -> Reading:
        asked = [_question(stage, gate, at, metric) for metric in gate.metrics]
        goal, *guardrails = [self.metrics.sample(question) for question in asked]
        if unknown := next((each.unknown for each in (goal, *guardrails) if each.unknown), None):
            return Reading(at, Verdict(Outcome.UNKNOWN, None, unknown.message))
        numbers = {guardrail.metric: _arms(sample) for guardrail, sample in zip(gate.guardrails, guardrails, strict=True)}
        look = Look(elapsed=max(at - stage.entered_at, timedelta(0)), goal=_arms(goal), guardrails=numbers)
        return Reading(at, Verdict(Outcome.UNKNOWN, None, ""), look=look)


def _arms(sample: Sample) -> dict[str, Arm]:
    return {group.name: Arm(group.n, group.mean, group.variance) for group in sample.groups}


def _question(
    stage: SampledStage, rule: Guardrail | MetricGate | ExperimentGate, at: datetime, metric: str | None = None
) -> MetricQuestion:
    return MetricQuestion(
        project=stage.project,
        metric=metric or rule.metric,
        feature=stage.feature,
        environment=rule.environment or stage.environment,
        since=stage.entered_at,
        at=at,
    )


def record_readings(store: Store, found: Sequence[Readings]) -> dict[WatchKey, Observed]:
    """Store readings that are newer than what is stored, and return the state of each rule after them."""
    states = dict(store.evidence.lock(sorted({each.watch for each in found})))
    fresh: dict[WatchKey, list[StoredSample]] = {}
    for each in found:
        for reading in each.readings:
            last = states.get(each.watch)
            if last is None or reading.at > last.at:
                state = states[each.watch] = _after(store, each, reading, last)
                fresh.setdefault(each.watch, []).append(StoredSample(reading.at, state.value, state.outcome))
    store.evidence.write({watch: states[watch] for watch in fresh})
    if fresh:
        store.evidence.add_samples(fresh)
    return states


def _after(store: Store, of: Readings, reading: Reading, last: Observed | None) -> Observed:
    """Return the state after one more reading."""
    if isinstance(of.rule, ExperimentGate):
        if reading.look:
            return observe_look(store, of.watch, of.rule, reading.look, reading.at, last)
        if last and last.outcome is Outcome.PASS:  # It has decided, so nothing depends on the source any more.
            return last.model_copy(update={"at": reading.at})
    return observed_after(last, reading.at, reading.verdict, of.rule.every, reading.until)
