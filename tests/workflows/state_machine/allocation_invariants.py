"""Invariants of allocations. Each check yields the violations that it finds."""

from collections.abc import Iterator

from tests.workflows.state_machine.record import CHANGES, Record, Row
from tests.workflows.state_machine.shares import places_in

Places = dict[str, list[int]]
"""Variant -> its hundredths of a percent."""


def shares_are_where_they_say(record: Record) -> Iterator[str]:
    """Each variant has as many places as its share says, and no place has two variants."""
    states = [flag["state"] for flag in record.flags if flag["state"]]
    for document in (*states, *(each for entry in _changes(record) for each in (entry["before"], entry["after"]))):
        for path, shares in _allocations(document).items():
            places = _places(shares)
            wrong = [variant for variant, share in shares.items() if len(places[variant]) != round(share["percent"] * 100)]
            all_places = [place for each in places.values() for place in each]
            if wrong or len(set(all_places)) < len(all_places) or not set(all_places) <= set(range(10_000)):
                yield f"{path} is {shares}"


def nobody_moves_from_a_variant_that_keeps_its_share(record: Record) -> Iterator[str]:
    """In a change that is no rollback, a variant that does not shrink keeps its identities, and one that does not grow gets none."""
    put_back = [entry for release in record.releases for entry in release.rollback_entries]
    for entry in _changes(record):
        after = _allocations(entry["after"])
        for path, shares in _allocations(entry["before"]).items():
            if path in after and entry not in put_back:
                yield from (f"{entry['event']} at {entry['at']}, {path}: {wrong}" for wrong in _moved(shares, after[path]))


def _moved(before: Row, after: Row) -> Iterator[str]:
    old, new = _places(before), _places(after)
    for variant in sorted(old.keys() | new.keys()):
        had, has = set(old.get(variant, ())), set(new.get(variant, ()))
        if len(has) >= len(had) and had - has:
            yield f"{variant} did not shrink and lost {len(had - has)} places"
        if len(has) <= len(had) and has - had:
            yield f"{variant} did not grow and got {len(has - had)} places"


def _changes(record: Record) -> Iterator[Row]:
    return (entry for entry in record.audit if entry["event"] in CHANGES)


def _places(shares: Row) -> Places:
    return {variant: places_in(share["at"]) for variant, share in shares.items()}


def _allocations(document: Row) -> dict[str, Row]:
    """Return the allocations in a flag or a patch to one, by path."""
    own = {"allocation": document["allocation"]} if "allocation" in document else {}
    overrides = document.get("overrides", {}).items()
    found = {f"{segment}/allocation": override.get("allocation") for segment, override in overrides if override is not None}
    return own | {path: shares for path, shares in found.items() if shares is not None}
