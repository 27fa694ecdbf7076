"""Invariants of experiments and of the winners that are shipped. Each check yields the violations that it finds."""

from collections.abc import Callable, Iterator

from tests.workflows.state_machine.gate_invariants import Act, acts_of
from tests.workflows.state_machine.guard_invariants import entries_by_visit
from tests.workflows.state_machine.record import Record, Row, rollout_of
from tests.workflows.state_machine.shares import places_in


def each_decision_has_one_audit_entry(record: Record) -> Iterator[str]:
    """An experiment decides once on a visit, and the audit log says what."""
    for release in record.releases:
        entries = [(visit, entry["after"]["ships"]) for visit, entry in entries_by_visit(release, "experiment.decided")]
        decisions = [(each["visit"], each["ships"]) for each in release.decisions]
        if entries != decisions:
            yield f"the audit log has {entries}, the decisions are {decisions}"


def nothing_acts_before_its_experiment_has_decided(record: Record) -> Iterator[str]:
    """Whenever a stage acts, its own experiment has decided on that visit."""
    for act in acts_of(record):
        if act.gates("EXPERIMENT") and not any(each["visit"] == act.visit for each in act.release.decisions):
            yield f"{act.name} without a decision"


def what_was_decided_is_shipped(record: Record) -> Iterator[str]:
    """A winner has the share of its step, or keeps a larger one. If the control was decided for, the allocation ends."""
    for act, change in _shipping(record):
        winner = _decided_before(act)
        after, before = (change[when]["allocation"] for when in ("after", "before"))
        share = _share_of(act.stage, act.step)
        kept = max(share, before.get(winner, {"percent": 0})["percent"])
        if (winner == "control" and after) or (winner != "control" and after.get(winner, {"percent": 0})["percent"] != kept):
            yield f"{act.name}: '{winner}' was decided, and {after} is served"


def identities_move_only_to_the_winner(record: Record) -> Iterator[str]:
    """A step that ships a winner gives no place on the line to anybody else."""
    for act, change in _shipping(record):
        winner = _decided_before(act)
        before = change["before"]["allocation"]
        for variant, share in change["after"]["allocation"].items():
            had = places_in(before[variant]["at"]) if variant in before else []
            if variant != winner and not set(places_in(share["at"])) <= set(had):
                yield f"{act.name}: '{variant}' got identities, and '{winner}' was decided"


OF_EXPERIMENTS: tuple[Callable[[Record], Iterator[str]], ...] = (
    each_decision_has_one_audit_entry,
    nothing_acts_before_its_experiment_has_decided,
    what_was_decided_is_shipped,
    identities_move_only_to_the_winner,
)


def _shipping(record: Record) -> Iterator[tuple[Act, Row]]:
    """Yield each step that shipped a winner, with its change."""
    for act in acts_of(record):
        if any(action["type"] == "SHIP_WINNER" for action in act.stage["actions"]):
            yield from ((act, each) for each in act.release.changes if (each["visit"], each["step"]) == (act.visit, act.step))


def _decided_before(act: Act) -> str | None:
    """Return what the last experiment had decided before this act, by the audit log."""
    events = (entry for entry in act.before if entry["release"] == act.release.row["id"] and entry["event"] == "experiment.decided")
    ships: list[str] = [entry["after"]["ships"] for entry in events]
    return ships[-1] if ships else None


def _share_of(stage: Row, step: int) -> float:
    ramp = rollout_of(stage)
    return min(ramp["initial"] + (step - 1) * ramp["step"], 100) if ramp else 100
