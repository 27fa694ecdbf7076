"""What a rollback makes of what everyone gets: a second opinion on the domain's, in plain dictionaries."""

from tests.workflows.state_machine.flag_model import Flag
from tests.workflows.state_machine.record import Row, Story

Net = dict[str, tuple[object, object]]
"""A field -> what it was before the release and what the release made of it."""


def put_back(story: Story, environment: str, undoes_from: int, now: Flag, *, force: bool) -> Flag:
    """What everyone gets once stages from that one on are undone: what it was before, unless somebody changed it since."""
    net: Net = {}
    for change in sorted((*story.changes, *story.put_back), key=lambda change: int(change["sequence"])):
        if change["environment"] == environment:
            _follow(net, change, story, undoes_from)
    changed = {field: pair for field, pair in net.items() if pair[0] != pair[1]}
    return {field: _back(now[field], changed.get(field), force=force) for field in ("enabled", "value")}


def _follow(net: Net, change: Row, story: Story, undoes_from: int) -> None:
    by_rollback, stage = change["undoes_from"], story.runs[change["visit"] - 1]["stage_index"]
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


def _back(now: object, pair: tuple[object, object] | None, *, force: bool) -> object:
    return pair[0] if pair and (force or now == pair[1]) else now
