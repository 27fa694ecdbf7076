"""Invariants of rollbacks. Each check yields the violations that it finds."""

from collections.abc import Iterator

from tests.workflows.state_machine.record import ReleaseRecord, Row, returned_to


def each_rollback_change_has_one_audit_entry(release: ReleaseRecord) -> Iterator[str]:
    """Every change made by a rollback has one audit entry with the same before and after, and the rollback's key."""
    fields = ("environment", "before", "after")
    entries = [(entry["at"], *(entry[field] for field in fields)) for entry in release.rollback_entries]
    made = [(change["made_at"], *(change[field] for field in fields)) for change in release.put_back]
    if entries != made:
        yield f"the audit log has {entries}, the rollbacks made {made}"
    sequences = {sequence for _, sequence in _rollbacks(release)}
    for change in release.put_back:
        is_named = change["key"].startswith(f"{release.row['id']}/rollback/") and change["key"].endswith(f"/{change['environment']}")
        if change["sequence"] not in sequences or not is_named:
            yield f"{change['key']} belongs to no rollback"


def rollbacks_restore_earlier_values(release: ReleaseRecord) -> Iterator[str]:
    """A rollback gives the state for everyone a value from before a change of the release. It may name an allocation to keep it."""
    for change in release.put_back:
        earlier = [
            made for made in release.changes if made["environment"] == change["environment"] and made["sequence"] < change["sequence"]
        ]
        for field in {"enabled", "value", "allocation"} & change["after"].keys():
            kept = [change["before"][field]] if field == "allocation" else []
            if change["after"][field] not in [*kept, *(made["before"][field] for made in earlier if field in made["before"])]:
                yield f"{change['key']} restored {change['after']}"


def undone_visits_are_rolled_back(release: ReleaseRecord) -> Iterator[str]:
    """Visits with changes in the range of a rollback are rolled back, and no visit is without a rollback."""
    for entry, sequence in _rollbacks(release):
        first = next((index + 1 for index, stage in enumerate(release.stages) if stage["name"] == returned_to(entry)), 0)
        for run in release.runs:
            changed = [change for change in release.changes_on(run["visit"]) if change["before"] != change["after"]]
            if run["stage_index"] >= first and any(change["sequence"] < sequence for change in changed) and run["outcome"] != "rolled_back":
                yield f"visit {run['visit']} was undone and is {run['outcome']}"
    if not _rollbacks(release) and any(run["outcome"] == "rolled_back" for run in release.runs):
        yield "a visit is rolled back without a rollback"


def _rollbacks(release: ReleaseRecord) -> list[tuple[Row, int]]:
    """Return each rollback that was carried out, with the sequence that it wrote."""
    return [(entry, number) for number, entry in enumerate(release.writes, start=1) if entry["event"] == "release.rolled_back"]
