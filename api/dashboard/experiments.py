"""Experiments as the page of a release shows them."""

from collections.abc import Iterable
from typing import NamedTuple

from api.dashboard.intervals import IntervalPicture, pictures_of
from api.schemas.experiments import ArmView, ExperimentView
from domain.experiments.comparison import Comparison
from domain.experiments.decision import ExperimentOutcome
from domain.experiments.sentences import about_guardrails, decided_in_words, lift_in_words, result_in_words, undecided_in_words
from domain.pipelines.experiment import HOLD
from domain.releases.status import StageOutcome, status_in_words

_BADGES = {
    ExperimentOutcome.UNDECIDED: "running",
    ExperimentOutcome.WINNER: "pass",
    ExperimentOutcome.NO_WINNER: "approval",
    ExperimentOutcome.HELD: "blocked",
}


class ArmRow(NamedTuple):
    """An arm with its lift over the control, and what is known about it. Both are empty for the control."""

    arm: ArmView
    lift: str
    result: str


class ShownExperiment(NamedTuple):
    """An experiment with the rows of its table, its pictures, the class of its badge, and its decision or why there is none.

    `guardrails` says what is known about each guardrail of each variant.
    """

    view: ExperimentView
    rows: list[ArmRow]
    pictures: list[IntervalPicture]
    badge: str
    decision: str
    guardrails: list[str]


def shown_experiments(views: Iterable[ExperimentView]) -> list[ShownExperiment]:
    """Return what is shown of experiments, the newest first."""
    return [_shown(each) for each in reversed(list(views))]


def _shown(view: ExperimentView) -> ShownExperiment:
    found = {each.variant: Comparison.model_validate(each.model_dump()) for each in view.comparisons}
    rows = [_row(arm, found.get(arm.key), view.confidence) for arm in view.arms]
    guardrails = [sentence for each in found.values() for sentence in about_guardrails(each)]
    return ShownExperiment(view, rows, pictures_of(view), _BADGES[view.outcome], _decision(view), guardrails)


def _decision(view: ExperimentView) -> str:
    if view.decision:
        return decided_in_words(view.decision.ships)
    if view.stage_outcome is not StageOutcome.PENDING:
        return f"It is over without a decision: the stage is {status_in_words(view.stage_outcome)}."
    return undecided_in_words(view.outcome, None if view.without_winner == HOLD else view.without_winner)


def _row(arm: ArmView, comparison: Comparison | None, confidence: float) -> ArmRow:
    return ArmRow(arm, lift_in_words(comparison), result_in_words(comparison, confidence)) if comparison else ArmRow(arm, "", "")
