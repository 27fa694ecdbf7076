"""Response bodies of experiments."""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, Field

from activities.store.experiments import StoredDecision, StoredLook
from domain.duration import Duration
from domain.experiments.analysis import Analysis, analyse, comparisons_at
from domain.experiments.comparison import Comparison, GuardrailState
from domain.experiments.decision import ExperimentOutcome, Reason
from domain.experiments.design import Better
from domain.experiments.look import users
from domain.metrics.condition import Outcome
from domain.model import Moment
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.pipeline import Stage
from domain.releases.observed import Observed
from domain.releases.release import StageRun
from domain.releases.status import StageOutcome
from domain.statistics.confidence_sequence import Interval

T = TypeVar("T")

MOST_POINTS = 200
"""The most looks in a curve."""


class ExperimentVisit(NamedTuple):
    """An experiment in one visit to its stage, with everything that is stored about it."""

    run: StageRun
    stage: Stage
    number: int
    gate: ExperimentGate
    observed: Observed | None
    looks: Sequence[StoredLook]
    decision: StoredDecision | None


class LiftView(BaseModel):
    """The lift of a variant over the control: 0.1 is 10% more. A bound is null if the data don't give one yet."""

    estimate: float
    low: float | None
    high: float | None


class ArmView(BaseModel):
    """An arm of the experiment at the newest look. Its `mean` is null if it has no users."""

    key: str
    planned_share: float = Field(description="In percent of all users in the experiment.")
    users: int
    mean: float | None


class GuardrailView(BaseModel):
    """A guardrail metric of a variant: its lift over the control, and if harm beyond the margin is proven or ruled out."""

    metric: str
    lift: LiftView | None
    state: GuardrailState


class ComparisonView(BaseModel):
    """A variant, compared with the control at the newest look. `is_better` and `is_worse` are true if that has the confidence."""

    variant: str
    lift: LiftView | None
    is_better: bool
    is_worse: bool
    breaches: list[str] = Field(description="The guardrail metrics that it makes worse by more than their margin, with the confidence.")
    unjudged: list[str] = Field(description="The guardrail metrics that can't be told yet.")
    unproven: list[str] = Field(description="The guardrail metrics of which it must be proven that it does no harm, and isn't yet.")
    guardrails: list[GuardrailView]


class SampleRatioView(BaseModel):
    """The p-values of the planned split: the smallest of all looks, and that of the newest look. Below 0.001, the split is off."""

    at_any_look: float
    at_a_decision: float


class DecisionView(BaseModel):
    """The final decision of an experiment."""

    ships: str | None = Field(description="The variant that is shipped, or `control`. It is null if a person decides.")
    at: Moment
    message: str


class CurvePoint(BaseModel):
    """The lift of each variant at one look. It is null if it could not be told."""

    at: Moment
    lifts: dict[str, LiftView | None]


class ExperimentView(BaseModel):
    """An experiment in one visit to its stage. `outcome` is that of the newest look, and `message` explains it.

    `cannot_tell` says why the newest sample brought no numbers, and is null if it did.
    """

    visit: int
    stage: str
    stage_outcome: StageOutcome = Field(description="The outcome of the visit. The experiment goes on while it is `pending`.")
    gate: int = Field(description="The number of the gate in its stage, from 1.")
    environment: str
    rule: str = Field(description="What it asks, in words.")
    metric: str
    better: Better
    confidence: float
    minimum: int
    planned: int
    shortest: Duration
    longest: Duration
    decide_every: Duration = Field(description="A winner is decided on at whole multiples of this time, from `shortest` on.")
    without_winner: str
    outcome: ExperimentOutcome
    reason: Reason
    message: str
    cannot_tell: str | None
    looks: int
    looked_at: Moment | None
    arms: list[ArmView]
    comparisons: list[ComparisonView]
    sample_ratio: SampleRatioView
    decision: DecisionView | None
    curve: list[CurvePoint] = Field(description=f"At most {MOST_POINTS} looks, evenly chosen, oldest first. The newest one is among them.")


class ExperimentsView(BaseModel):
    """The experiments of a release, in the order of its visits."""

    experiments: list[ExperimentView]


def experiment_view(of: ExperimentVisit) -> ExperimentView:
    """Return the view of one experiment."""
    gate, analysis = of.gate, analyse(of.gate.design, [each.look for each in of.looks])
    newest = of.decision.decision if of.decision else analysis.decision
    return ExperimentView(
        visit=of.run.visit,
        stage=of.stage.name,
        stage_outcome=of.run.outcome,
        gate=of.number,
        environment=gate.environment or of.stage.environment,
        rule=gate.in_words(),
        metric=gate.metric,
        better=gate.better,
        confidence=gate.confidence,
        minimum=gate.minimum,
        planned=gate.planned,
        shortest=gate.shortest,
        longest=gate.longest,
        decide_every=gate.decide_every,
        without_winner=gate.without_winner,
        outcome=newest.outcome,
        reason=newest.reason,
        message=newest.message,
        cannot_tell=of.observed.message if of.observed and of.observed.outcome is Outcome.UNKNOWN else None,
        looks=len(of.looks),
        looked_at=of.looks[-1].at if of.looks else None,
        arms=_arms(of),
        comparisons=_comparisons(gate, analysis),
        sample_ratio=SampleRatioView(**analysis.sample_ratio.model_dump(include={"at_any_look", "at_a_decision"})),
        decision=DecisionView(ships=of.decision.ships, at=of.decision.at, message=of.decision.decision.message) if of.decision else None,
        curve=[_point(gate, each) for each in thinned(of.looks, MOST_POINTS)],
    )


def thinned(items: Sequence[T], most: int) -> list[T]:
    """Return at most that many items, evenly chosen, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def _arms(of: ExperimentVisit) -> list[ArmView]:
    design, goal = of.gate.design, of.looks[-1].look.goal if of.looks else {}
    whole = math.fsum(arm.share for arm in design.arms)
    return [
        ArmView(
            key=arm.key,
            planned_share=100 * arm.share / whole,
            users=users(goal, arm.key),
            mean=goal[arm.key].mean if users(goal, arm.key) else None,
        )
        for arm in design.arms
    ]


def _comparisons(gate: ExperimentGate, analysis: Analysis) -> list[ComparisonView]:
    """Return a comparison for each variant. One that can't be made has no lift."""
    found = {each.variant: each for each in analysis.comparisons}
    made = [found.get(key) or Comparison(variant=key, lift=None) for key in gate.variants]
    return [ComparisonView(**each.model_dump(exclude={"lift"}), lift=_lift(each.lift)) for each in made]


def _point(gate: ExperimentGate, look: StoredLook) -> CurvePoint:
    found = {each.variant: _lift(each.lift) for each in comparisons_at(gate.design, look.look)}
    return CurvePoint(at=look.at, lifts={key: found.get(key) for key in gate.variants})


def _lift(found: Interval | None) -> LiftView | None:
    return LiftView(**found._asdict()) if found else None
