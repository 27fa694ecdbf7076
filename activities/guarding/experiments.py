"""Experiments at each look: the numbers are stored, analysed with all earlier ones, and decide at most once."""

from datetime import datetime

from activities.providers.catalogue import provider_of
from activities.record.transitions import audit
from activities.store.database import Store
from activities.store.evidence import WatchKey
from activities.store.experiments import StoredDecision
from domain.audit import AuditEvent
from domain.errors import NotFound
from domain.experiments.analysis import analyse
from domain.experiments.decision import Reason
from domain.experiments.look import Look
from domain.experiments.obstacle import sample_ratio
from domain.flags.allocation import Allocation
from domain.flags.flag import FlagState
from domain.metrics.condition import Outcome, Verdict
from domain.pipelines.experiment import ExperimentGate
from domain.releases.observed import Observed, decided, observed_after


def observe_look(store: Store, watch: WatchKey, gate: ExperimentGate, look: Look, at: datetime, last: Observed | None) -> Observed:
    """Store one look, and return the state of the experiment after it. After a final decision, nothing is stored any more.

    The caller holds the state of the watch, so that one look follows the other.
    """
    if known := store.experiments.decision(watch):
        return _observed_after_decision(gate, known, at, last)
    if changed := _changed_by_hand(store, watch, gate):
        return observed_after(last, at, Verdict(Outcome.UNKNOWN, None, changed), gate.every)
    store.evidence.write({watch: last or _begun(at)})
    store.experiments.add_look(watch, at, look, sample_ratio(gate.design, [look]).at_any_look)
    worst = store.experiments.worst_split(watch)
    analysis = analyse(gate.design, [*([worst] if worst else []), look])  # Of earlier looks, only the split counts.
    first = next((each.lift for each in analysis.comparisons if each.lift), None)
    verdict = Verdict(Outcome.FAIL, first.estimate if first else None, analysis.decision.message)
    if not analysis.decision.is_final:
        after = observed_after(last, at, verdict, gate.every)
        return _told_once(store, watch, after) if analysis.decision.reason is Reason.ALL_WORSE else after
    made = StoredDecision(watch.visit, watch.key, at, analysis.decision.ships, analysis.decision)
    _decide(store, watch, made)
    return decided(at, verdict, last) if made.ships else observed_after(last, at, verdict, gate.every)


def winner_of(store: Store, release_id: str) -> str | None:
    """Return the arm that a release's latest experiment ships, or None if it has not decided, or left that to a person."""
    decisions = store.experiments.decisions(release_id)
    return decisions[-1].ships if decisions else None


def _begun(at: datetime) -> Observed:
    return Observed(at=at, since=at, outcome=Outcome.UNKNOWN, message="The experiment has begun.")


def _changed_by_hand(store: Store, watch: WatchKey, gate: ExperimentGate) -> str | None:
    """Return that somebody changed who is served what. Such users must not be compared with earlier ones."""
    release = store.releases.get(watch.release)
    if gate.environment not in (None, release.environment):
        return None  # Nobody knows how the release saw the flag there.
    provider = provider_of(store.projects.get(release.project), store)
    try:
        now = provider.look(release.feature, release.environment)
    except NotFound:
        return None  # The change finds that it was deleted.
    if _served(now) == _served(store.releases.seen(release.id, release.environment)):
        return None
    message = f"Someone changed who gets which variant in {release.environment} during the experiment, so nothing is decided"
    return f"{message}. Put it back, or restart the release from the stage that sets it."


def _served(state: FlagState) -> tuple[bool, Allocation, dict[str, Allocation]]:
    in_segments = {segment: each.allocation for segment, each in state.overrides.items() if each.allocation is not None}
    return state.enabled, state.allocation, in_segments


def _observed_after_decision(gate: ExperimentGate, made: StoredDecision, at: datetime, last: Observed | None) -> Observed:
    """Return the state after one more look, which changes nothing."""
    if made.ships:
        return decided(at, Verdict(Outcome.PASS, None, made.decision.message), last)
    return observed_after(last, at, Verdict(Outcome.FAIL, last.value if last else None, made.decision.message), gate.every)


def _told_once(store: Store, watch: WatchKey, observed: Observed) -> Observed:
    """Tell people that every variant is worse, the first time that a look of this visit finds so."""
    if observed.breached_at:
        return observed
    after = {"message": observed.message}
    audit(store, store.releases.get(watch.release), AuditEvent.EXPERIMENT_ALL_WORSE, observed.at, after=after)
    return observed.model_copy(update={"breached_at": observed.at})


def _decide(store: Store, watch: WatchKey, made: StoredDecision) -> None:
    store.experiments.decide(watch.release, made)
    after = {"ships": made.ships, "outcome": made.decision.outcome, "winner": made.decision.winner, "message": made.decision.message}
    audit(store, store.releases.get(watch.release), AuditEvent.EXPERIMENT_DECIDED, made.at, after=after)
