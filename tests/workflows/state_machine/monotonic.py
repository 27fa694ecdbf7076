"""Checks that compare two snapshots of the record: it only grows, and rows never go backwards."""

from collections.abc import Callable, Iterator

from tests.workflows.state_machine.record import Record, ReleaseRecord, Row


def audit_log_only_grows(earlier: Record, later: Record) -> Iterator[str]:
    """Entries are only appended to the audit log."""
    if later.audit[: len(earlier.audit)] != earlier.audit:
        yield "earlier entries of the audit log have changed"


def salts_stay(earlier: Record, later: Record) -> Iterator[str]:
    """The salt of a feature never changes: identities would change their variants."""
    before, after = ({flag["feature"]: flag["salt"] for flag in each.flags} for each in (earlier, later))
    if any(after.get(feature) != salt for feature, salt in before.items()):
        yield f"salts {before} became {after}"


def changes_stay(earlier: ReleaseRecord, later: ReleaseRecord) -> Iterator[str]:
    """A recorded change is never altered, and no change is inserted before it."""
    if any(after[: len(before)] != before for before, after in ((earlier.changes, later.changes), (earlier.put_back, later.put_back))):
        yield f"changes {[change['key'] for change in earlier.changes]} became {[change['key'] for change in later.changes]}"


def decisions_stay(earlier: ReleaseRecord, later: ReleaseRecord) -> Iterator[str]:
    """The decision of an experiment is never altered."""
    if any(each not in later.decisions for each in earlier.decisions):
        yield f"decisions {earlier.decisions} became {later.decisions}"


def finished_visits_stay(earlier: ReleaseRecord, later: ReleaseRecord) -> Iterator[str]:
    """The outcome of a visit is never altered, except by a rollback."""
    finished = earlier.row["visit"] - (earlier.row["ended_at"] is None)
    rolled_back = {"outcome": "rolled_back"} if "release.rolled_back" in _new_events(earlier, later) else {}
    allowed = [(run, run | rolled_back) for run in earlier.runs]
    if any(run not in either for run, either in zip(later.runs, allowed[:finished], strict=False)):
        yield f"visits {earlier.runs[:finished]} became {later.runs[:finished]}"


def rows_go_forward(earlier: ReleaseRecord, later: ReleaseRecord) -> Iterator[str]:
    """Sequence and visit never fall. Without a higher sequence, only the start and what holds the stage back may be written."""
    before, after = earlier.row, later.row
    if (after["sequence"], after["visit"]) < (before["sequence"], before["visit"]) or after["visit"] < before["visit"]:
        yield f"from {_place(before)} back to {_place(after)}"
    kept = {field: before[field] for field in ("held", "acts_at") if after["held"]}
    if after["sequence"] == before["sequence"] and before["status"] != "starting" and after | kept != before:
        yield f"{before} was overwritten by {after}"


def finished_releases_stay(earlier: ReleaseRecord, later: ReleaseRecord) -> Iterator[str]:
    """Nothing happens to a release that has ended, unless a person requests a rollback."""
    if earlier.row["ended_at"] is not None and later != earlier and _new_events(earlier, later)[:1] != ["release.rolling_back"]:
        yield f"{_place(earlier.row)} was finished and became {_place(later.row)}, with {len(later.changes)} changes"


OF_A_RELEASE: tuple[Callable[[ReleaseRecord, ReleaseRecord], Iterator[str]], ...] = (
    changes_stay,
    decisions_stay,
    finished_visits_stay,
    rows_go_forward,
    finished_releases_stay,
)


def regressions(earlier: Record, later: Record) -> list[str]:
    """Return everything that went backwards between two snapshots."""
    found = [f"{check.__name__}: {wrong}" for check in (audit_log_only_grows, salts_stay) for wrong in check(earlier, later)]
    if [release.row["id"] for release in later.releases[: len(earlier.releases)]] != [release.row["id"] for release in earlier.releases]:
        return [*found, "a release is gone"]
    pairs = list(zip(earlier.releases, later.releases, strict=False))
    return found + [f"{check.__name__}: {wrong}" for before, after in pairs for check in OF_A_RELEASE for wrong in check(before, after)]


def _new_events(earlier: ReleaseRecord, later: ReleaseRecord) -> list[str]:
    return [entry["event"] for entry in later.audit[len(earlier.audit) :]]


def _place(row: Row) -> str:
    return f"{row['status']} at '{row['stage']}', visit {row['visit']}, sequence {row['sequence']}"
