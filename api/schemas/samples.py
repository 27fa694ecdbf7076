"""Response bodies of the evidence of guardrails and of gates that sample something."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from activities.store.evidence import StoredSample
from domain.metrics.condition import Outcome, Threshold
from domain.model import Moment
from domain.pipelines.gate import CheckGate, MetricGate, gate_key
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.releases.observed import Observed
from domain.releases.release import StageRun

Rule = Guardrail | MetricGate | CheckGate


class SampleView(BaseModel):
    """One sample. `value` is null if it could not tell, and for checks."""

    at: Moment
    value: float | None
    outcome: Outcome


class WatchView(BaseModel):
    """A guardrail or gate that was sampled in one visit to a stage: what it asks, its last outcome, and its samples, oldest first.

    `since` is the beginning of the present row of equal outcomes, and `failures` the number of failed samples in a row.
    """

    visit: int
    stage: str
    kind: Literal["guardrail", "metric", "check"]
    name: str = Field(description="The name of the guardrail, or the key of the gate's metric or source.")
    environment: str
    rule: str = Field(description="What it asks, in words.")
    shadow: bool
    at_most: float | None
    at_least: float | None
    outcome: Outcome
    message: str
    sampled_at: Moment
    since: Moment
    failures: int
    breached_at: Moment | None
    samples: list[SampleView]


class SamplesView(BaseModel):
    """Everything that was sampled for a release, in the order of its visits. Old passing samples are thinned."""

    watches: list[WatchView]


def rule_of(definition: PipelineDefinition, stage: Stage, key: str) -> Rule | None:
    """Return the guardrail or gate with that key in a stage."""
    for guardrail in definition.guardrails:
        if guardrail.key == key:
            return guardrail
    for number, gate in enumerate(stage.gates, start=1):
        if gate_key(number) == key and isinstance(gate, MetricGate | CheckGate):
            return gate
    return None


def watch_view(run: StageRun, stage: Stage, rule: Rule, observed: Observed, samples: Sequence[StoredSample]) -> WatchView:
    """Return the view of one watch."""
    condition = None if isinstance(rule, CheckGate) else rule.condition
    bounds = condition if isinstance(condition, Threshold) else None
    return WatchView(
        visit=run.visit,
        stage=stage.name,
        kind="guardrail" if isinstance(rule, Guardrail) else "check" if isinstance(rule, CheckGate) else "metric",
        name=rule.name if isinstance(rule, Guardrail) else rule.source if isinstance(rule, CheckGate) else rule.metric,
        environment=rule.environment or stage.environment,
        rule=rule.in_words(),
        shadow=isinstance(rule, Guardrail) and rule.shadow,
        at_most=bounds.at_most if bounds else None,
        at_least=bounds.at_least if bounds else None,
        outcome=observed.outcome,
        message=observed.message,
        sampled_at=observed.at,
        since=observed.since,
        failures=observed.failures,
        breached_at=observed.breached_at,
        samples=[SampleView(at=each.at, value=each.value, outcome=each.outcome) for each in samples],
    )
