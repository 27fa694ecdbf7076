"""The change that a stage makes to one feature in one environment, with the state before and after."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.errors import FlagChangedByHand, Invalid, Problem
from domain.flags.allocation import lies_between
from domain.flags.flag import MOST_OVERRIDES, FlagState, Override
from domain.flags.patch import FlagPatch, OverridePatch
from domain.model import Frozen, Moment


class Change(Frozen):
    """A recorded change. `before` and `after` hold only the fields that the patch names."""

    key: str
    release: str
    stage: str
    visit: int
    step: int
    environment: str
    feature: str
    patch: FlagPatch
    before: FlagPatch
    after: FlagPatch
    made_at: Moment
    sequence: int
    undoes_from: int | None = None
    """Index of the first stage whose changes this one undoes. Set only on changes made by a rollback."""

    @property
    def changed_anything(self) -> bool:
        """True if any field was not already at its target."""
        return self.before != self.after

    def continuing(self, earlier: "Change") -> "Change":
        """Return this change as the end of an earlier attempt: from the fields that the earlier one found, or else this one."""
        return self.model_copy(update={"before": self.before.updated(earlier.before), "after": earlier.after.updated(self.after)})


class PlannedChange(NamedTuple):
    """The state of a flag after a patch, with the patched fields before and after."""

    state: FlagState
    before: FlagPatch
    after: FlagPatch

    @property
    def changes_anything(self) -> bool:
        """True if any field is not already at its target."""
        return self.before != self.after

    def overlaid(self, seen: FlagState) -> FlagState:
        """Return the state last seen by a release, updated with its own change. A new override is included whole, with its priority."""
        new = {
            segment: self.state.overrides[segment]
            for segment, override in self.after.segments.items()
            if override is not None and self._is_new(segment)
        }
        return self.after.applied(seen.model_copy(update={"overrides": seen.overrides | new}))

    def _is_new(self, segment: str) -> bool:
        return self.before.segments[segment] is None


def change_key(release: str, visit: int, step: int) -> str:
    """Return the natural key of a change, under which it is made only once."""
    return f"{release}/{visit}/{step}"


def plan_change(patch: FlagPatch, now: FlagState, *, overrides_follow: bool = True) -> PlannedChange:
    """Apply a patch to the current flag. Raise Invalid for too many overrides, or for two with the same priority.

    Without `overrides_follow`, an override or a rollout keeps the default that it got, because its system can't let it follow.
    """
    named = patch.expanded(now)
    changed = named.applied(now) if overrides_follow else named.applied(now).without_inheritance()
    if len(changed.overrides) > MOST_OVERRIDES:
        raise Invalid(f"A flag can have at most {MOST_OVERRIDES} overrides in an environment. Remove those that are no longer needed.")
    _check_priorities(changed.overrides, named)
    return PlannedChange(changed, before=named.seen_in(now), after=named.seen_in(changed))


def part_made(intended: Change, now: FlagState) -> FlagPatch:
    """Return those fields of `after` that the flag has.

    Some systems take several calls for an allocation. One that is on its way from before to after is returned as it is.
    """
    after, found = intended.after, intended.after.seen_in(now)
    fields = {field: value for field, value in after.plain.items() if getattr(found, field) == value}
    if "allocation" in after.named and _is_on_its_way(found, intended):
        fields["allocation"] = found.allocation
    overrides = {segment: each for segment, each in after.segments.items() if found.segments[segment] == each}
    return FlagPatch(**fields | ({"overrides": overrides} if overrides else {}))


def as_before(intended: Change, now: FlagState) -> FlagState:
    """Return the flag as it was before an intended change, except for what others changed since."""
    return intended.before.limited_to(part_made(intended, now)).applied(now)


def _is_on_its_way(found: FlagPatch, intended: Change) -> bool:
    before, after = intended.before.allocation, intended.after.allocation
    return found.allocation not in (before, after) and lies_between(found.allocation, before, after)


def check_not_changed_by_hand(patch: FlagPatch, now: FlagState, seen: FlagState) -> None:
    """Raise FlagChangedByHand if a field is neither as the release last saw it nor already at its target."""
    named = patch.expanded(now)
    target = named.seen_in(named.applied(now))
    is_now, was_seen = named.seen_in(now), named.seen_in(seen)
    fields = [field for field in sorted(named.named - {"overrides"}) if _differs(field, is_now, was_seen, target)]
    fields += [f"overrides/{segment}" for segment in named.segments if _override_differs(segment, is_now, was_seen, target)]
    if fields:
        raise FlagChangedByHand(
            f"Someone changed {', '.join(fields)} after the release last saw the flag.",
            fields=fields,
            seen=was_seen.model_dump(mode="json"),
            now=is_now.model_dump(mode="json"),
            wanted=target.model_dump(mode="json"),
        )


def _check_priorities(overrides: dict[str, Override], patch: FlagPatch) -> None:
    segments: dict[int, str] = {}
    for segment, override in overrides.items():
        if (other := segments.setdefault(override.priority, segment)) != segment:
            message = f"The overrides for '{other}' and '{segment}' would have the same priority, {override.priority}. Give each its own."
            named = segment if segment in patch.segments else other
            raise Invalid(message, problems=(Problem(pointer=f"/overrides/{named}/priority", code="priority_taken", message=message),))


def _differs(field: str, now: FlagPatch, seen: FlagPatch, target: FlagPatch) -> bool:
    return getattr(now, field) not in (getattr(seen, field), getattr(target, field))


def _override_differs(segment: str, now: FlagPatch, seen: FlagPatch, target: FlagPatch) -> bool:
    return _any_field_differs(now.segments[segment], seen.segments[segment], target.segments[segment])


def _any_field_differs(now: OverridePatch | None, seen: OverridePatch | None, target: OverridePatch | None) -> bool:
    if now in (seen, target):
        return False
    if now is None or seen is None or target is None:
        return True
    is_now, was_seen, wanted = ({**NO_ALLOCATION, **fields_of(each)} for each in (now, seen, target))
    return any(is_now[name] not in (was_seen.get(name), wanted.get(name)) for name in is_now)


NO_ALLOCATION: Mapping[str, tuple[bool, object]] = {"allocation": (False, None)}
"""The field of an override without an allocation of its own, which its description leaves out."""


def fields_of(override: OverridePatch) -> dict[str, tuple[bool, object]]:
    """Return each named field as a pair: True if it is inherited, and its value."""
    plain = {name: (False, getattr(override, name)) for name in override.named - {"inherits"}}
    return plain | dict.fromkeys(override.inherits, (True, None))
