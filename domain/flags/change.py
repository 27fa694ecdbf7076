"""What one stage does to one feature in one environment, with the state before and after."""

from typing import NamedTuple

from domain.errors import FlagChangedByHand, Invalid, Problem
from domain.flags.flag import MOST_OVERRIDES, FlagState, Override
from domain.flags.patch import FlagPatch, OverridePatch
from domain.model import Frozen, Moment


class Change(Frozen):
    """A change that was made; `before` and `after` hold only the fields that the patch names."""

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
    """Only on a change that a rollback made: the first stage whose changes it undoes."""

    @property
    def changed_anything(self) -> bool:
        """Whether any field was not at its target already."""
        return self.before != self.after


class PlannedChange(NamedTuple):
    """A flag's state with a patch on it, and what the patch's fields were and become."""

    state: FlagState
    before: FlagPatch
    after: FlagPatch

    @property
    def changes_anything(self) -> bool:
        """Whether any of the patch's fields is not at its target already."""
        return self.before != self.after

    def overlaid(self, seen: FlagState) -> FlagState:
        """What a release saw of the flag, with its own change on it. An override that it made it knows whole, rank included."""
        made = {
            segment: self.state.overrides[segment]
            for segment, override in self.after.segments.items()
            if override is not None and self._is_new(segment)
        }
        return self.after.applied(seen.model_copy(update={"overrides": seen.overrides | made}))

    def _is_new(self, segment: str) -> bool:
        return self.before.segments[segment] is None


def change_key(release: str, visit: int, step: int) -> str:
    """The natural key under which a change is made once."""
    return f"{release}/{visit}/{step}"


def plan_change(patch: FlagPatch, now: FlagState) -> PlannedChange:
    """Put a patch on the flag as it is now. Raises Invalid for too many overrides, or two with one priority."""
    named = patch.expanded(now)
    changed = named.applied(now)
    if len(changed.overrides) > MOST_OVERRIDES:
        raise Invalid(f"A flag has at most {MOST_OVERRIDES} overrides in an environment: remove those that are no longer needed.")
    _check_priorities(changed.overrides, named)
    return PlannedChange(changed, before=named.seen_in(now), after=named.seen_in(changed))


def check_not_changed_by_hand(patch: FlagPatch, now: FlagState, seen: FlagState) -> None:
    """Raise FlagChangedByHand if a field is neither as the release last saw it nor at its target already."""
    named = patch.expanded(now)
    wanted = named.seen_in(named.applied(now))
    is_now, was_seen = named.seen_in(now), named.seen_in(seen)
    fields = [field for field in sorted(named.named - {"overrides"}) if _differs(field, is_now, was_seen, wanted)]
    fields += [f"overrides/{segment}" for segment in named.segments if _override_differs(segment, is_now, was_seen, wanted)]
    if fields:
        raise FlagChangedByHand(
            f"Somebody changed {', '.join(fields)} since the release last saw the flag.",
            fields=fields,
            seen=was_seen.model_dump(mode="json"),
            now=is_now.model_dump(mode="json"),
            wanted=wanted.model_dump(mode="json"),
        )


def _check_priorities(overrides: dict[str, Override], patch: FlagPatch) -> None:
    ranks: dict[int, str] = {}
    for segment, override in overrides.items():
        if (other := ranks.setdefault(override.priority, segment)) != segment:
            message = f"The overrides for '{other}' and '{segment}' would have the same priority, {override.priority}: give each its own."
            named = segment if segment in patch.segments else other
            raise Invalid(message, problems=(Problem(pointer=f"/overrides/{named}/priority", code="priority_taken", message=message),))


def _differs(field: str, now: FlagPatch, seen: FlagPatch, wanted: FlagPatch) -> bool:
    return getattr(now, field) not in (getattr(seen, field), getattr(wanted, field))


def _override_differs(segment: str, now: FlagPatch, seen: FlagPatch, wanted: FlagPatch) -> bool:
    return _field_by_field(now.segments[segment], seen.segments[segment], wanted.segments[segment])


def _field_by_field(now: OverridePatch | None, seen: OverridePatch | None, wanted: OverridePatch | None) -> bool:
    if now in (seen, wanted):
        return False
    if now is None or seen is None or wanted is None:
        return True
    fields = (fields_of(now), fields_of(seen), fields_of(wanted))
    return any(fields[0][name] not in (fields[1].get(name), fields[2].get(name)) for name in fields[0])


def fields_of(override: OverridePatch) -> dict[str, tuple[bool, object]]:
    """Each field that is named, as (is it inherited?, its value)."""
    plain = {name: (False, getattr(override, name)) for name in override.named - {"inherits"}}
    return plain | dict.fromkeys(override.inherits, (True, None))
