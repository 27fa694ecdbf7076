"""The plan of a rollback in one environment: the fields to revert, and the fields to leave alone."""

from itertools import chain
from typing import Any, NamedTuple

from domain.flags.change import NO_ALLOCATION, fields_of
from domain.flags.flag import LAST_PRIORITY, FlagState
from domain.flags.patch import ENDED_BY, INHERITABLE, FlagPatch, OverridePatch
from domain.model import Frozen
from domain.releases.net_change import Fields, NetChange, Pair
from domain.releases.rollback import LeftAlone, LeftAloneReason


class RevertContext(Frozen):
    """The flag to revert: as it is now, as the release last saw it, and the segments and variants that exist."""

    environment: str
    now: FlagState
    seen: FlagState
    segments: frozenset[str]
    variants: frozenset[str] = frozenset()
    force: bool = False


class RevertPlan(NamedTuple):
    """A patch that reverts the fields it names, and the fields that are left alone."""

    patch: FlagPatch
    left_alone: tuple[LeftAlone, ...]


def plan_revert(net: NetChange, context: RevertContext) -> RevertPlan:
    """Revert what is still as the release left it. Leave alone what somebody changed since, unless forced."""
    plain, left = _revert_plain(net, context)
    overrides: dict[str, OverridePatch | None] = {}
    for segment, pair in sorted(net.overrides.items()):
        decision = _OverrideRevert(segment, pair, context)
        overrides |= decision.patch
        left += decision.left_alone
    ranked, displaced = _with_free_priorities(overrides, context)
    named = plain | ({"overrides": ranked} if ranked else {})
    return RevertPlan(FlagPatch(**named), (*left, *displaced))


def left_without_environment(net: NetChange, environment: str) -> tuple[LeftAlone, ...]:
    """Return every field as left alone, for an environment that no longer exists."""
    plain = [_left_plain(environment, field, pair, None, "environment_gone") for field, pair in net.fields.items()]
    shown = [(segment, Pair(_shown(pair.before), _shown(pair.after))) for segment, pair in net.overrides.items()]
    return (*plain, *(_left(environment, f"overrides/{segment}", pair, None, "environment_gone") for segment, pair in shown))


def _revert_plain(net: NetChange, context: RevertContext) -> tuple[dict[str, Any], list[LeftAlone]]:
    """Return the patch for the plain fields, and those that are left alone.

    A patch that sets `enabled` or `value` ends the current rollout, and `value` the current allocation. So what somebody started is kept
    in the patch, and an earlier rollout or allocation is not restored over a state that somebody set since.
    """
    patch: dict[str, Any] = {}
    left = []
    for field, pair in net.fields.items():
        now = getattr(context.now, field)
        if now == pair.before:
            continue
        if field == "allocation" and not pair.before.keys() <= context.variants:
            left.append(_left_plain(context.environment, field, pair, now, "variant_gone"))
            continue
        restores_ended = bool(pair.before) and any(_is_set_by_hand(context, ending) for ending in ENDED_BY.get(field, ()))
        if context.force or (now == pair.after and not restores_ended):
            patch[field] = pair.before
        else:
            left.append(_left_plain(context.environment, field, pair, now, "changed_by_hand"))
    kept = {field: getattr(context.now, field) for field, ending in ENDED_BY.items() if patch.keys() & ending}
    return {field: value for field, value in kept.items() if value} | patch, left


def _is_set_by_hand(context: RevertContext, field: str) -> bool:
    return bool(getattr(context.now, field) != getattr(context.seen, field))


class _OverrideRevert:
    """The decision about one override."""

    def __init__(self, segment: str, pair: Pair, context: RevertContext) -> None:
        self.segment = segment
        self.before: Fields | None = pair.before
        self.after: Fields | None = pair.after
        self.now = _fields_at(context.now, segment)
        self.context = context
        self.patch: dict[str, OverridePatch | None] = {}
        self.left_alone: list[LeftAlone] = []
        self._decide()

    def _decide(self) -> None:
        if self.before is None:
            self._revert_creation()
        elif self.segment not in self.context.segments:
            self._leave(self.before, self.after, "segment_gone")
        elif self._names_lost_variants(self.before):
            self._leave(self.before, self.after, "variant_gone")
        elif self.now is None or self.after is None:
            self._restore_whole(self.before)
        else:
            self._restore_fields(self.before, self.after, self.now)

    def _names_lost_variants(self, before: Fields) -> bool:
        _, allocation = before.get("allocation", (False, None))
        return isinstance(allocation, dict) and not allocation.keys() <= self.context.variants

    def _revert_creation(self) -> None:
        """Remove an override that the release created. If somebody changed it since, only let the fields of the release inherit again."""
        if self.now is None or self.after is None:
            return
        if self.context.force or self.now == self.after:
            self.patch[self.segment] = None
            return
        mine = {field for field, value in self.after.items() if not value[0] and self.now[field] == value}
        inherits = tuple(field for field in INHERITABLE if field in mine)
        allocation = NO_ALLOCATION if mine & {*NO_ALLOCATION} and self.now["allocation"] != NO_ALLOCATION["allocation"] else {}
        if inherits or allocation:
            self.patch[self.segment] = _patch_of({**dict.fromkeys(inherits, (True, None)), **allocation})
        self._leave(None, self.after, "changed_by_hand")

    def _restore_whole(self, before: Fields) -> None:
        """Create the override again if it is gone and the release removed it."""
        before = {**NO_ALLOCATION, **before}
        if self.now == before:
            return
        if self.context.force or self.now == self.after:
            self.patch[self.segment] = _patch_of((_fields_at(self.context.seen, self.segment) or {}) | before)
        else:
            self._leave(before, self.after, "changed_by_hand")

    def _restore_fields(self, before: Fields, after: Fields, now: Fields) -> None:
        differing = [field for field in before if field in after and now[field] != before[field]]
        own = [field for field in differing if self.context.force or now[field] == after[field]]
        others = [field for field in differing if field not in own]
        if own:
            kept = {name: now[name] for name, none in NO_ALLOCATION.items() if "value" in own and now[name] != none}
            self.patch[self.segment] = _patch_of(kept | {field: before[field] for field in own})
        if others:
            self._leave({field: before[field] for field in others}, {field: after[field] for field in others}, "changed_by_hand")

    def _leave(self, before: Fields | None, after: Fields | None, reason: LeftAloneReason) -> None:
        named = before if before is not None and after is not None else None
        now = self.now if named is None or self.now is None else {field: self.now[field] for field in named}
        pair = Pair(_shown(before), _shown(after))
        self.left_alone.append(_left(self.context.environment, f"overrides/{self.segment}", pair, _shown(now), reason))


def _with_free_priorities(
    overrides: dict[str, OverridePatch | None], context: RevertContext
) -> tuple[dict[str, OverridePatch | None], list[LeftAlone]]:
    """Move overrides whose priority is now taken to the next free one, above it if possible. No two overrides share a priority."""
    after = FlagPatch(overrides=overrides).applied(context.now).overrides
    ranked, displaced = dict(overrides), []
    for segment, patch in overrides.items():
        taken = {override.priority for other, override in after.items() if other != segment}
        if patch is None or "priority" not in patch.named or patch.priority not in taken:
            continue
        candidates = chain(range(patch.priority, LAST_PRIORITY + 1), range(patch.priority - 1, -1, -1))
        free = next(priority for priority in candidates if priority not in taken)
        ranked[segment] = patch.model_copy(update={"priority": free})
        after[segment] = after[segment].model_copy(update={"priority": free})
        pair = Pair({"priority": patch.priority}, None)
        displaced.append(_left(context.environment, f"overrides/{segment}", pair, {"priority": free}, "priority_taken"))
    return ranked, displaced


def _fields_at(state: FlagState, segment: str) -> Fields | None:
    override = FlagPatch(overrides={segment: None}).seen_in(state).segments[segment]
    return None if override is None else {**NO_ALLOCATION, **fields_of(override)}


def _patch_of(fields: Fields) -> OverridePatch:
    inherits = tuple(field for field in INHERITABLE if fields.get(field, (False, None))[0])
    plain: dict[str, Any] = {field: value for field, (inherited, value) in fields.items() if not inherited}
    return OverridePatch(**plain | ({"inherits": inherits} if inherits else {}))


def _shown(fields: Fields | None) -> Any:
    """Describe an override, without an allocation if it has none of its own."""
    if fields is None:
        return None
    named = {field: value for field, value in fields.items() if NO_ALLOCATION.get(field) != value}
    return _patch_of(named).model_dump(mode="json")


def _left_plain(environment: str, field: str, pair: Pair, now: Any, reason: LeftAloneReason) -> LeftAlone:
    before, after, shown = (_shown_plain(field, value) for value in (*pair, now))
    return _left(environment, field, Pair(before, after), shown, reason)


def _shown_plain(field: str, value: Any) -> Any:
    return None if value is None else FlagPatch(**{field: value}).model_dump(mode="json")[field]


def _left(environment: str, field: str, pair: Pair, now: Any, reason: LeftAloneReason) -> LeftAlone:
    return LeftAlone(environment=environment, field=field, because=reason, before=pair.before, after=pair.after, now=now)
