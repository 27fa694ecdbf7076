"""What a release changed, net: each field before its first change and after its last, without what was undone meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from domain.flags.change import Change, fields_of
from domain.flags.flag import FlagState
from domain.flags.patch import INHERITABLE, OverridePatch

Fields = dict[str, tuple[bool, object]]
"""Of an override: each field as (is it inherited?, its value)."""


class Pair(NamedTuple):
    """What was there before and what is there after; for an override its fields, or none where there is no override."""

    before: Any
    after: Any

    @property
    def changed(self) -> bool:
        """Whether there is a difference."""
        return bool(self.before != self.after)


class NetChange(NamedTuple):
    """What a release changed in one environment: plain fields by name, overrides by segment."""

    fields: dict[str, Pair]
    overrides: dict[str, Pair]


class UndoScope(NamedTuple):
    """Which changes of a release are to be undone: those of the stages from an index on, by the visits on which they were made."""

    undoes_from: int
    stage_of_visit: Mapping[int, int]

    def covers(self, change: Change) -> bool:
        """Whether a stage's change is to be undone, or an earlier rollback has undone all that is to be undone now."""
        if change.undoes_from is not None:
            return change.undoes_from <= self.undoes_from
        return self.stage_of_visit[change.visit] >= self.undoes_from


def environments_changed(changes: Iterable[Change], undoing: UndoScope) -> list[str]:
    """Where something is to be undone."""
    made = [change for change in changes if change.undoes_from is None and change.changed_anything and undoing.covers(change)]
    return sorted({change.environment for change in made})


def net_changes(changes: Iterable[Change], undoing: UndoScope, seen: Mapping[str, FlagState]) -> dict[str, NetChange]:
    """Environment -> what is to be undone there. The changes are given in the order in which they were made."""
    nets: dict[str, NetChange] = {}
    for change in changes:
        net = nets.setdefault(change.environment, NetChange({}, {}))
        if change.undoes_from is not None:
            _undo(net, change, undoing)
        elif undoing.covers(change):
            _make(net, change, seen[change.environment])
    remaining = {environment: _without_unchanged(net) for environment, net in sorted(nets.items())}
    return {environment: net for environment, net in remaining.items() if net.fields or net.overrides}


def _make(net: NetChange, change: Change, seen: FlagState) -> None:
    for field, pair in _plain(change):
        first = net.fields.get(field, pair)
        net.fields[field] = Pair(first.before, pair.after)
    for segment, pair in _overrides(change):
        whole = Pair(pair.before, _whole(pair.after, segment, seen)) if pair.before is None else pair
        net.overrides[segment] = _followed(net.overrides.get(segment), whole)


def _undo(net: NetChange, change: Change, undoing: UndoScope) -> None:
    """An earlier rollback: what it put back is not the release's doing any more."""
    everything = undoing.covers(change)
    for field, pair in _plain(change):
        first = net.fields.pop(field, None)
        if first and not everything:
            net.fields[field] = Pair(first.before, pair.after)
    for segment, pair in _overrides(change):
        earlier = net.overrides.pop(segment, None)
        left = earlier and (_left_after(earlier, pair) if everything else _followed(earlier, pair))
        if left:
            net.overrides[segment] = left


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
    """An override that is there before and after, without the fields that are the same."""
    if pair.before is None or pair.after is None:
        return pair
    same = [field for field in pair.after if field in pair.before and pair.before[field] == pair.after[field]]
    before, after = ({field: part[field] for field in part if field not in same} for part in pair)
    return Pair(before, after)


def _whole(made: Fields | None, segment: str, seen: FlagState) -> Fields | None:
    """An override that the release made: what it did not name is inherited, and its rank is the one that the release saw."""
    if made is None:
        return None
    rank = {"priority": (False, seen.overrides[segment].priority)} if segment in seen.overrides else {}
    return dict.fromkeys(INHERITABLE, (True, None)) | rank | made


def _followed(earlier: Pair | None, later: Pair) -> Pair:
    if earlier is None:
        return later
    before = earlier.before if earlier.before is None or later.before is None else later.before | earlier.before
    goes_on = None not in (earlier.after, later.before, later.after)
    return Pair(before, earlier.after | later.after if goes_on else later.after)


def _left_after(earlier: Pair, put_back: Pair) -> Pair | None:
    """What an earlier rollback left of an override's changes: it may have put back some of the fields, and left others alone."""
    if None in (put_back.before, put_back.after, earlier.after):
        return None
    if earlier.before is None:  # It is still there because somebody had changed it.
        return _followed(earlier, put_back)
    before, after = ({field: part[field] for field in part if field not in put_back.after} for part in earlier)
    return Pair(before, after)


def _without_unchanged(net: NetChange) -> NetChange:
    fields = {field: pair for field, pair in net.fields.items() if pair.changed}
    overrides = {segment: _differing(pair) for segment, pair in net.overrides.items()}
    return NetChange(fields, {segment: pair for segment, pair in overrides.items() if pair.changed and pair.after != {}})
