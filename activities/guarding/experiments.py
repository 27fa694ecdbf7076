"""Experiments at each look: the numbers are stored, analysed with all earlier ones, and decide at most once."""

from datetime import datetime

from activities.record.transitions import audit
from activities.store.database import Store
from activities.store.evidence import WatchKey
from activities.store.experiments import StoredDecision
from domain.audit import AuditEvent
from domain.errors import NoDecision
from domain.experiments.analysis import analyse
from domain.experiments.look import Look
from domain.experiments.obstacle import sample_ratio
from domain.metrics.condition import Outcome, Verdict
from domain.pipelines.action import WINNER
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.parameter import Parameters
from domain.releases.observed import Observed, decided, observed_after
from domain.releases.release import Release


def observe_look(store: Store, watch: WatchKey, gate: ExperimentGate, look: Look, at: datetime, last: Observed | None) -> Observed:
    """Store one look, and return the state of the experiment after it. After a final decision, nothing is stored any more.

    The caller holds the state of the watch, so that one look follows the other.
    """
    if known := store.experiments.decision(watch):
        return _observed_after_decision(gate, known, at, last)
    store.evidence.write({watch: last or _begun(at)})
    store.experiments.add_look(watch, at, look, sample_ratio(gate.design, [look]).at_any_look)
    worst = store.experiments.worst_split(watch)
    analysis = analyse(gate.design, [*([worst] if worst else []), look])  # Of earlier looks, only the split counts.
    first = next((each.lift for each in analysis.comparisons if each.lift), None)
    verdict = Verdict(Outcome.FAIL, first.estimate if first else None, analysis.decision.message)
    if not analysis.decision.is_final:
        return observed_after(last, at, verdict, gate.every)
    made = StoredDecision(watch.visit, watch.key, at, analysis.decision.ships, analysis.decision)
    _decide(store, watch, made)
    return decided(at, verdict, last) if made.ships else observed_after(last, at, verdict, gate.every)


def winner_of(store: Store, release_id: str) -> str | None:
    """Return the arm that a release's latest experiment ships, or None if it has not decided, or left that to a person."""
    decisions = store.experiments.decisions(release_id)
    return decisions[-1].ships if decisions else None


def with_winner(store: Store, release: Release) -> Parameters:
    """Return the parameters of a release with what its latest experiment has decided to ship. Raises NoDecision."""
    winner = winner_of(store, release.id)
    if winner is None:
        message = f"'{release.stage}' ships the winner of an experiment, and no experiment of this release has decided."
        raise NoDecision(f"{message} Skip the stage, or restart the release from the experiment.")
    return release.parameters | {WINNER: winner}


def _begun(at: datetime) -> Observed:
    return Observed(at=at, since=at, outcome=Outcome.UNKNOWN, message="The experiment has begun.")


def _observed_after_decision(gate: ExperimentGate, made: StoredDecision, at: datetime, last: Observed | None) -> Observed:
    """Return the state after one more look, which changes nothing."""
    if made.ships:
        return decided(at, Verdict(Outcome.PASS, None, made.decision.message), last)
    return observed_after(last, at, Verdict(Outcome.FAIL, last.value if last else None, made.decision.message), gate.every)


def _decide(store: Store, watch: WatchKey, made: StoredDecision) -> None:
    store.experiments.decide(watch.release, made)
    after = {"ships": made.ships, "outcome": made.decision.outcome, "winner": made.decision.winner, "message": made.decision.message}
    audit(store, store.releases.get(watch.release), AuditEvent.EXPERIMENT_DECIDED, made.at, after=after)
