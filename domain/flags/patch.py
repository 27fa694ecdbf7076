"""A patch of one flag in one environment. It touches only the fields that it names."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StrictBool, Tag, model_validator

from domain.flags.allocation import Allocation, relaid
from domain.flags.flag import LAST_PRIORITY, MOST_OVERRIDES, FlagState, Inheritable, Override, Rollout, Value
from domain.model import NamedFields
from domain.text import Slug

REMOVE: Literal["remove"] = "remove"

INHERITABLE: tuple[Inheritable, ...] = ("enabled", "value")

PLAIN = ("enabled", "value", "allocation", "rollout")
"""The fields of a flag that apply to everyone."""


ENDED_BY: Mapping[str, frozenset[str]] = {"rollout": frozenset({"enabled", "value"}), "allocation": frozenset({"value"})}
"""Field that a patch ends without naming it -> the fields of which it sets one."""


class OverridePatch(NamedFields):
    """A patch of one override. Fields in `inherits` follow the default from now on.

    A null allocation is none of its own. Setting the value without an allocation ends that of the override.
    """

    enabled: StrictBool = False
    value: Value = None
    allocation: Allocation | None = None
    inherits: tuple[Inheritable, ...] = Field(default=(), max_length=2)
    priority: int = Field(default=0, ge=0, le=LAST_PRIORITY, strict=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if both := set(self.inherits) & self.named:
            raise ValueError(f"must not both set and inherit {', '.join(sorted(both))}")
        if len(set(self.inherits)) != len(self.inherits):
            raise ValueError("must not name a field twice in inherits")
        return self

    def expanded(self, override: Override | None) -> Self:
        """Return the same patch in full: the end of the override's allocation is explicit."""
        ends = override is not None and override.allocation is not None and "value" in self.named and "allocation" not in self.named
        return self.model_copy(update={"allocation": None}) if ends else self

    def applied(self, override: Override, default: Allocation) -> Override:
        """Return the override after this patch. Its first own allocation begins with the layout of the default."""
        changed: dict[str, Any] = {field: getattr(self, field) for field in self.named - {"inherits"}}
        inherits = (set(override.inherits) - self.named) | set(self.inherits)
        changed |= dict.fromkeys(self.inherits)
        changed["inherits"] = tuple(field for field in INHERITABLE if field in inherits)
        if self.allocation is not None:
            changed["allocation"] = relaid(default if override.allocation is None else override.allocation, self.allocation)
        return override.model_copy(update=changed)


def _kind_of_overrides(value: object) -> str:
    return "remove" if isinstance(value, str) else "segments"


OverridesPatch = Annotated[
    Annotated[dict[Slug, OverridePatch | None], Field(max_length=MOST_OVERRIDES), Tag("segments")]
    | Annotated[Literal["remove"], Tag("remove")],
    Discriminator(_kind_of_overrides),
]


_NOTHING: Mapping[str, Any] = {"rollout": None, "allocation": {}}


class FlagPatch(NamedFields):
    """A patch of one flag in one environment, applied all or nothing. A null override removes the override."""

    enabled: StrictBool = False
    value: Value = None
    allocation: Allocation = {}
    overrides: OverridesPatch = {}
    rollout: Rollout | None = None

    @property
    def removes_all_overrides(self) -> bool:
        """True if it removes all overrides, whichever they are."""
        return self.overrides == REMOVE

    @property
    def segments(self) -> dict[str, OverridePatch | None]:
        """The patch for each segment that it names."""
        return self.overrides if isinstance(self.overrides, dict) else {}

    @property
    def plain(self) -> dict[str, Any]:
        """The fields that it sets for everyone, by name."""
        return {field: getattr(self, field) for field in PLAIN if field in self.named}

    @property
    def allocations(self) -> dict[str, Allocation]:
        """The allocations that it sets, by their pointers."""
        own = {"/allocation": self.allocation} if "allocation" in self.named else {}
        segments = {f"/overrides/{segment}/allocation": each.allocation for segment, each in self.segments.items() if each}
        return own | {pointer: allocation for pointer, allocation in segments.items() if allocation}

    def updated(self, other: "FlagPatch") -> "FlagPatch":
        """Return a patch with the fields of both. Where both name a field, the other wins."""
        fields = self.plain | other.plain
        if "overrides" in self.named | other.named:
            fields["overrides"] = self.segments | other.segments
        return FlagPatch(**fields)

    def limited_to(self, other: "FlagPatch") -> "FlagPatch":
        """Return a patch with only those fields that the other names as well."""
        fields = {field: value for field, value in self.plain.items() if field in other.named}
        overrides = {segment: each for segment, each in self.segments.items() if segment in other.segments}
        return FlagPatch(**fields | ({"overrides": overrides} if overrides else {}))

    def expanded(self, state: FlagState) -> "FlagPatch":
        """Return the same patch in full: *remove* lists the present overrides, and what else it ends is explicit.

        A patch that sets the default ends a current rollout in the same change, and one that sets the value a current allocation.
        """
        ended = self._ended(state)
        segments = dict.fromkeys(state.overrides) if self.removes_all_overrides else self.segments
        full = {segment: patch and patch.expanded(state.overrides.get(segment)) for segment, patch in segments.items()}
        if not ended and full == self.overrides:
            return self
        return FlagPatch(**self.plain | ended | ({"overrides": full} if "overrides" in self.named else {}))

    def _ended(self, state: FlagState) -> dict[str, Any]:
        ends = {field for field, ending in ENDED_BY.items() if getattr(state, field) and field not in self.named and self.named & ending}
        return {field: value for field, value in _NOTHING.items() if field in ends}

    def applied(self, state: FlagState) -> FlagState:
        """Return the flag after this patch. A new override inherits the fields it does not name, and gets the last priority."""
        patch = self.expanded(state)
        overrides = dict(state.overrides)
        changed = state.model_copy(update=patch.plain)
        if "allocation" in patch.named:
            changed = changed.model_copy(update={"allocation": relaid(state.allocation, patch.allocation)})
        for segment, override in patch.segments.items():
            if override is None:
                overrides.pop(segment, None)
            else:
                overrides[segment] = override.applied(overrides.get(segment) or _blank(changed, overrides), state.allocation)
        return changed.model_copy(update={"overrides": overrides})

    def seen_in(self, state: FlagState) -> "FlagPatch":
        """Return the flag's own values of the fields that this patch names, as a patch that would restore them."""
        patch = self.expanded(state)
        plain = {field: getattr(state, field) for field in patch.plain}
        if "overrides" not in patch.named:
            return FlagPatch(**plain)
        return FlagPatch(
            **plain, overrides={segment: _seen_override(each, state.overrides.get(segment)) for segment, each in patch.segments.items()}
        )


def _blank(state: FlagState, overrides: dict[str, Override]) -> Override:
    state = state.model_copy(update={"overrides": overrides})
    return Override(inherits=INHERITABLE, priority=state.next_priority())


def _seen_override(patch: OverridePatch | None, now: Override | None) -> OverridePatch | None:
    if now is None:
        return None
    named: set[str] = {"enabled", "value", "allocation", "priority"} if patch is None else patch.named | set(patch.inherits)
    inherited = tuple(field for field in now.inherits if field in named)
    fields: dict[str, Any] = {field: getattr(now, field) for field in named - {"inherits"} - set(inherited)}
    return OverridePatch(**fields | ({"inherits": inherited} if inherited else {}))
