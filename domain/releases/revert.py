"""What a rollback puts back in one environment, and what it leaves alone."""

from itertools import chain
from typing import Any, NamedTuple

from domain.flags.change import fields_of
from domain.flags.flag import LAST_PRIORITY, FlagState
from domain.flags.patch import INHERITABLE, FlagPatch, OverridePatch
from domain.model import Frozen
from domain.releases.net_change import Fields, NetChange, Pair
from domain.releases.rollback import Because, LeftAlone


class RevertContext(Frozen):
    """The flag where something is to be put back: as it is now, as the release last saw it, and the segments that there are."""

    environment: str
    now: FlagState
    seen: FlagState
    segments: frozenset[str]
    force: bool = False


class RevertPlan(NamedTuple):
    """A patch that puts back what it names, and what is left alone."""

    patch: FlagPatch
    left_alone: tuple[LeftAlone, ...]


def plan_revert(net: NetChange, here: RevertContext) -> RevertPlan:
    """Put back what is as the release left it; leave alone what somebody changed since, unless forced."""
    plain, left = _plain(net, here)
    overrides: dict[str, OverridePatch | None] = {}
    for segment, pair in sorted(net.overrides.items()):
        decided = _Override(segment, pair, here)
        overrides |= decided.patch
        left += decided.left_alone
    ranked, displaced = _with_free_ranks(overrides, here)
    named = plain | ({"overrides": ranked} if ranked else {})
    return RevertPlan(FlagPatch(**named), (*left, *displaced))


def nothing_to_revert(net: NetChange, environment: str) -> tuple[LeftAlone, ...]:
    """What is left alone where the environment is gone."""
    plain = [_left_plain(environment, field, pair, None, "environment_gone") for field, pair in net.fields.items()]
    shown = [(segment, Pair(_shown(pair.before), _shown(pair.after))) for segment, pair in net.overrides.items()]
    return (*plain, *(_left(environment, f"overrides/{segment}", pair, None, "environment_gone") for segment, pair in shown))


def _plain(net: NetChange, here: RevertContext) -> tuple[dict[str, Any], list[LeftAlone]]:
    """Whoever sets what everyone gets ends a rollout: one that somebody made stays, and none is revived over what somebody set."""
    patch: dict[str, Any] = {}
    left = []
    for field, pair in net.fields.items():
        now = getattr(here.now, field)
        if now == pair.before:
            continue
        revives = field == "rollout" and pair.before is not None and _is_set_by_hand(here)
        if here.force or (now == pair.after and not revives):
            patch[field] = pair.before
        else:
            left.append(_left_plain(here.environment, field, pair, now, "changed_by_hand"))
    if patch and "rollout" not in patch and here.now.rollout is not None:
        patch["rollout"] = here.now.rollout
    return patch, left


def _is_set_by_hand(here: RevertContext) -> bool:
    return (here.now.enabled, here.now.value) != (here.seen.enabled, here.seen.value)


class _Override:
    """The decision about one override."""

    def __init__(self, segment: str, pair: Pair, here: RevertContext) -> None:
        self.segment = segment
        self.before: Fields | None = pair.before
        self.after: Fields | None = pair.after
        self.now = _fields_at(here.now, segment)
        self.here = here
        self.patch: dict[str, OverridePatch | None] = {}
        self.left_alone: list[LeftAlone] = []
        self._decide()

    def _decide(self) -> None:
        if self.before is None:
            self._undo_making()
        elif self.segment not in self.here.segments:
            self._leave(self.before, self.after, "segment_gone")
        elif self.now is None or self.after is None:
            self._put_back_whole(self.before)
        else:
            self._put_back_fields(self.before, self.after, self.now)

    def _undo_making(self) -> None:
        """Take away what the release made. Where somebody changed the rest of it, what is the release's is inherited again."""
        if self.now is None or self.after is None:
            return
        if self.here.force or self.now == self.after:
            self.patch[self.segment] = None
            return
        own = [field for field in INHERITABLE if field in self.after and not self.after[field][0] and self.now[field] == self.after[field]]
        if own:
            self.patch[self.segment] = OverridePatch(inherits=tuple(own))
        self._leave(None, self.after, "changed_by_hand")

    def _put_back_whole(self, before: Fields) -> None:
        """Make it again where it is gone, if that is the release's doing."""
        if self.now == before:
            return
        if self.here.force or self.now == self.after:
            self.patch[self.segment] = _patch_of((_fields_at(self.here.seen, self.segment) or {}) | before)
        else:
            self._leave(before, self.after, "changed_by_hand")

    def _put_back_fields(self, before: Fields, after: Fields, now: Fields) -> None:
        differ = [field for field in before if field in after and now[field] != before[field]]
        own = [field for field in differ if self.here.force or now[field] == after[field]]
        others = [field for field in differ if field not in own]
        if own:
            self.patch[self.segment] = _patch_of({field: before[field] for field in own})
        if others:
            self._leave({field: before[field] for field in others}, {field: after[field] for field in others}, "changed_by_hand")

    def _leave(self, before: Fields | None, after: Fields | None, because: Because) -> None:
        named = before if before is not None and after is not None else None
        now = self.now if named is None or self.now is None else {field: self.now[field] for field in named}
        pair = Pair(_shown(before), _shown(after))
        self.left_alone.append(_left(self.here.environment, f"overrides/{self.segment}", pair, _shown(now), because))


def _with_free_ranks(
    overrides: dict[str, OverridePatch | None], here: RevertContext
) -> tuple[dict[str, OverridePatch | None], list[LeftAlone]]:
    """No two overrides have one priority: one whose rank is another's by now gets the next that is free."""
    after = FlagPatch(overrides=overrides).applied(here.now).overrides
    ranked, displaced = dict(overrides), []
    for segment, patch in overrides.items():
        others = {override.priority for other, override in after.items() if other != segment}
        if patch is None or "priority" not in patch.named or patch.priority not in others:
            continue
        near = chain(range(patch.priority, LAST_PRIORITY + 1), range(patch.priority - 1, -1, -1))
        free = next(rank for rank in near if rank not in others)
        ranked[segment] = patch.model_copy(update={"priority": free})
        after[segment] = after[segment].model_copy(update={"priority": free})
        pair = Pair({"priority": patch.priority}, None)
        displaced.append(_left(here.environment, f"overrides/{segment}", pair, {"priority": free}, "priority_taken"))
    return ranked, displaced


def _fields_at(state: FlagState, segment: str) -> Fields | None:
    override = FlagPatch(overrides={segment: None}).seen_in(state).segments[segment]
    return None if override is None else fields_of(override)


def _patch_of(fields: Fields) -> OverridePatch:
    inherits = tuple(field for field in INHERITABLE if fields.get(field, (False, None))[0])
    plain: dict[str, Any] = {field: value for field, (inherited, value) in fields.items() if not inherited}
    return OverridePatch(**plain | ({"inherits": inherits} if inherits else {}))


def _shown(fields: Fields | None) -> Any:
    return None if fields is None else _patch_of(fields).model_dump(mode="json")


def _left_plain(environment: str, field: str, pair: Pair, now: Any, because: Because) -> LeftAlone:
    before, after, shown = (_shown_plain(field, value) for value in (*pair, now))
    return _left(environment, field, Pair(before, after), shown, because)


def _shown_plain(field: str, value: Any) -> Any:
    return None if value is None else FlagPatch(**{field: value}).model_dump(mode="json")[field]


def _left(environment: str, field: str, pair: Pair, now: Any, because: Because) -> LeftAlone:
    return LeftAlone(environment=environment, field=field, because=because, before=pair.before, after=pair.after, now=now)
