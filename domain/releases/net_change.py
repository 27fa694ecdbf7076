"""The net change of a release: each field before its first change and after its last, without what an earlier rollback reverted."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from domain.flags.change import NO_ALLOCATION, Change, fields_of
from domain.flags.flag import FlagState
from domain.flags.patch import INHERITABLE, OverridePatch

Fields = dict[str, tuple[bool, object]]
"""The fields of an override: name -> (is it inherited?, its value)."""


class Pair(NamedTuple):
    """A value before and after. For an override these are its fields, or None if there is no override."""

    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        """True if the two differ."""
        return bool(self.before != self.after)


class NetChange(NamedTuple):
    """The net change of a release in one environment: plain fields by name, overrides by segment."""

    fields: dict[str, Pair]
    overrides: dict[str, Pair]


class UndoScope(NamedTuple):
    """The changes of a release to undo: those of the stages from an index on.

    A change names its visit, and `stage_of_visit` maps visits to stages.
    """

    undoes_from: int
    stage_of_visit: Mapping[int, int]

    def covers(self, change: Change) -> bool:
        """True if the change of a stage is in scope, or if an earlier rollback already undid everything in scope."""
        if change.undoes_from is not None:
            return change.undoes_from <= self.undoes_from
        return self.stage_of_visit[change.visit] >= self.undoes_from


def environments_changed(changes: Iterable[Change], scope: UndoScope) -> list[str]:
    """Return the environments in which there is something to undo."""
    by_stages = [change for change in changes if change.undoes_from is None and change.changed_anything and scope.covers(change)]
    return sorted({change.environment for change in by_stages})


def net_changes(changes: Iterable[Change], scope: UndoScope, seen: Mapping[str, FlagState]) -> dict[str, NetChange]:
    """Return the net change to undo in each environment. The changes must be in the order in which they were made."""
    nets: dict[str, NetChange] = {}
    for change in changes:
        net = nets.setdefault(change.environment, NetChange({}, {}))
        if change.undoes_from is not None:
            _subtract_rollback(net, change, scope)
        elif scope.covers(change):
            _add(net, change, seen[change.environment])
    remaining = {environment: _without_unchanged(net) for environment, net in sorted(nets.items())}
    return {environment: net for environment, net in remaining.items() if net.fields or net.overrides}


def _add(net: NetChange, change: Change, seen: FlagState) -> None:
    for field, pair in _plain(change):
        first = net.fields.get(field, pair)
        net.fields[field] = Pair(first.before, pair.after)
    for segment, pair in _overrides(change):
        whole = Pair(pair.before, _whole(pair.after, segment, seen)) if pair.before is None else pair
        net.overrides[segment] = _combined(net.overrides.get(segment), whole)


def _subtract_rollback(net: NetChange, change: Change, scope: UndoScope) -> None:
    """Take out the fields that an earlier rollback reverted: their values are no longer the release's.

    A rollback that undid only some of the stages in scope leaves the changes of the others.
    """
    is_complete = scope.covers(change)
    for field, pair in _plain(change):
        first = net.fields.pop(field, None)
        if first and not is_complete:
            net.fields[field] = Pair(first.before, pair.after)
    for segment, pair in _overrides(change):
        earlier = net.overrides.pop(segment, None)
        rest = earlier and (_left_after(earlier, pair) if is_complete else _combined(earlier, pair))
        if rest:
            net.overrides[segment] = rest


def _plain(change: Change) -> Iterator[tuple[str, Pair]]:
    for field, after in change.after.plain.items():
        pair = Pair(getattr(change.before, field), after)
        if pair.changed:
            yield field, pair


def _overrides(change: Change) -> Iterator[tuple[str, Pair]]:
    for segment, after in change.after.segments.items():
        pair = _differing(Pair(_fields(change.before.segments.get(segment)), _fields(after)))
        if pair.changed:
            yield segment, pair


def _fields(override: OverridePatch | None) -> Fields | None:
    return None if override is None else fields_of(override)


def _differing(pair: Pair) -> Pair:
    """Return the pair of an override that exists before and after, without the fields that are the same."""
    if pair.before is None or pair.after is None:
        return pair
    same = [field for field in pair.after if field in pair.before and pair.before[field] == pair.after[field]]
    before, after = ({field: part[field] for field in part if field not in same} for part in pair)
    return Pair(before, after)


def _whole(created: Fields | None, segment: str, seen: FlagState) -> Fields | None:
    """Return all fields of an override that the release created.

    Fields that it did not name are inherited, and the priority is the one that the release saw.
    """
    if created is None:
        return None
    priority = {"priority": (False, seen.overrides[segment].priority)} if segment in seen.overrides else {}
    return {**dict.fromkeys(INHERITABLE, (True, None)), **NO_ALLOCATION, **priority, **created}


def _combined(earlier: Pair | None, later: Pair) -> Pair:
    if earlier is None:
        return later
    before = earlier.before if earlier.before is None or later.before is None else later.before | earlier.before
    stays = None not in (earlier.after, later.before, later.after)
    return Pair(before, earlier.after | later.after if stays else later.after)


def _left_after(earlier: Pair, reverted: Pair) -> Pair | None:
    """Return what an earlier rollback left of an override's changes: it may have reverted some fields and left others alone."""
    if None in (reverted.before, reverted.after, earlier.after):
        return None
    if earlier.before is None:  # It still exists because somebody had changed it.
        return _combined(earlier, reverted)
    before, after = ({field: part[field] for field in part if field not in reverted.after} for part in earlier)
    return Pair(before, after)


def _without_unchanged(net: NetChange) -> NetChange:
    fields = {field: pair for field, pair in net.fields.items() if pair.changed}
    overrides = {segment: _differing(pair) for segment, pair in net.overrides.items()}
    return NetChange(fields, {segment: pair for segment, pair in overrides.items() if pair.changed and pair.after != {}})
