"""An independent model of what a rollback does to the state for everyone, in plain dictionaries."""

from tests.workflows.state_machine.flag_model import Flag
from tests.workflows.state_machine.record import ReleaseRecord, Row

NetChange = dict[str, tuple[object, object]]
"""A field -> its value before the release, and the value that the release gave it."""


def expected_after_rollback(release: ReleaseRecord, environment: str, undoes_from: int, now: Flag, *, force: bool) -> Flag:
    """Return the state for everyone after a rollback from that stage on: the earlier values, unless somebody changed them since."""
    net: NetChange = {}
    for change in sorted((*release.changes, *release.put_back), key=lambda change: int(change["sequence"])):
        if change["environment"] == environment:
            _apply(net, change, release, undoes_from)
    changed = {field: pair for field, pair in net.items() if pair[0] != pair[1]}
    return {field: _restored(now[field], changed.get(field), force=force) for field in ("enabled", "value")}


def _apply(net: NetChange, change: Row, release: ReleaseRecord, undoes_from: int) -> None:
    by_rollback, stage = change["undoes_from"], release.runs[change["visit"] - 1]["stage_index"]
    for field in {"enabled", "value"} & change["after"].keys():
        before, after = change["before"][field], change["after"][field]
        if before == after:
            continue
        first = net.get(field)
        if by_rollback is None and stage >= undoes_from:
            net[field] = (first[0] if first else before, after)
        elif by_rollback is not None and first:
            net.pop(field)
            if by_rollback > undoes_from:
                net[field] = (first[0], after)


def _restored(now: object, pair: tuple[object, object] | None, *, force: bool) -> object:
    return pair[0] if pair and (force or now == pair[1]) else now
