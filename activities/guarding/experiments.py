"""Experiments at each look: the numbers are stored, analysed with all earlier ones, and decide at most once."""

from datetime import datetime

from activities.record.transitions import audit
from activities.store.database import Store
from activities.store.evidence import WatchKey
from activities.store.experiments import StoredDecision
from domain.audit import AuditEvent
from domain.errors import NoDecision
from domain.experiments.analysis import analyse
from domain.experiments.decision import Decision, ExperimentOutcome
from domain.experiments.look import Look
from domain.experiments.obstacle import sample_ratio
from domain.metrics.condition import Outcome, Verdict
from domain.pipelines.action import WINNER
from domain.pipelines.experiment import HOLD, ExperimentGate
from domain.pipelines.parameter import Parameters
from domain.releases.observed import Observed, decided, observed_after
from domain.releases.release import Release


def observe_look(store: Store, watch: WatchKey, gate: ExperimentGate, look: Look, at: datetime, last: Observed | None) -> Observed:
    """Store one look, and return the state of the experiment after it. Its first decision is final.

    The caller holds the state of the watch, so that one look follows the other.
    """
    if known := store.experiments.decision(watch):
        return decided(at, Verdict(Outcome.PASS, None, known.decision.message), last)
    store.evidence.write({watch: last or _begun(at)})
    store.experiments.add_look(watch, at, look, sample_ratio(gate.design, [look]).at_any_look)
    worst = store.experiments.worst_split(watch)
    analysis = analyse(gate.design, [*([worst] if worst else []), look])  # Of earlier looks, only the split counts.
    first = next((each.lift for each in analysis.comparisons if each.lift), None)
    verdict = Verdict(Outcome.FAIL, first.estimate if first else None, analysis.decision.message)
    ships = _ships(gate, analysis.decision)
    if ships is None:
        return observed_after(last, at, verdict, gate.every)
    _decide(store, watch, StoredDecision(watch.visit, watch.key, at, ships, analysis.decision))
    return decided(at, verdict, last)


def with_winner(store: Store, release: Release) -> Parameters:
    """Return the parameters of a release with what its latest experiment has decided to ship. Raises NoDecision."""
    decisions = store.experiments.decisions(release.id)
    if not decisions:
        message = f"'{release.stage}' ships the winner of an experiment, and no experiment of this release has decided."
        raise NoDecision(f"{message} Skip the stage, or restart the release from the experiment.")
    return release.parameters | {WINNER: decisions[-1].ships}


def _begun(at: datetime) -> Observed:
    return Observed(at=at, since=at, outcome=Outcome.UNKNOWN, message="The experiment has begun.")


def _ships(gate: ExperimentGate, decision: Decision) -> str | None:
    """Return what is shipped after a decision, or None as long as there is none."""
    match decision.outcome:
        case ExperimentOutcome.WINNER:
            return decision.winner
        case ExperimentOutcome.NO_WINNER:
            return None if gate.without_winner == HOLD else gate.without_winner
        case ExperimentOutcome.UNDECIDED | ExperimentOutcome.HELD:
            return None


def _decide(store: Store, watch: WatchKey, made: StoredDecision) -> None:
    store.experiments.decide(watch.release, made)
    after = {"ships": made.ships, "outcome": made.decision.outcome, "winner": made.decision.winner, "message": made.decision.message}
    audit(store, store.releases.get(watch.release), AuditEvent.EXPERIMENT_DECIDED, made.at, after=after)
