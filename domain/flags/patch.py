"""A change to one flag in one environment, touching only the fields that it names."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StrictBool, Tag, model_validator

from domain.flags.flag import LAST_PRIORITY, MOST_OVERRIDES, FlagState, Inheritable, Override, Rollout, Value
from domain.model import NamedFields
from domain.text import Slug

REMOVE: Literal["remove"] = "remove"

INHERITABLE: tuple[Inheritable, ...] = ("enabled", "value")

PLAIN = ("enabled", "value", "rollout")
"""The fields of a flag that are for everyone."""


class OverridePatch(NamedFields):
    """What to change of one override; fields in `inherits` follow the default from now on."""

    enabled: StrictBool = False
    value: Value = None
    inherits: tuple[Inheritable, ...] = Field(default=(), max_length=2)
    priority: int = Field(default=0, ge=0, le=LAST_PRIORITY, strict=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if both := set(self.inherits) & self.named:
            raise ValueError(f"{', '.join(sorted(both))} can't be both set and inherited")
        if len(set(self.inherits)) != len(self.inherits):
            raise ValueError("inherits names a field twice")
        return self

    def applied(self, override: Override) -> Override:
        """The override with this patch on it."""
        changed: dict[str, Any] = {field: getattr(self, field) for field in self.named - {"inherits"}}
        inherits = (set(override.inherits) - self.named) | set(self.inherits)
        changed |= dict.fromkeys(self.inherits)
        changed["inherits"] = tuple(field for field in INHERITABLE if field in inherits)
        return override.model_copy(update=changed)


def _kind_of_overrides(value: object) -> str:
    return "remove" if isinstance(value, str) else "segments"


OverridesPatch = Annotated[
    Annotated[dict[Slug, OverridePatch | None], Field(max_length=MOST_OVERRIDES), Tag("segments")]
    | Annotated[Literal["remove"], Tag("remove")],
    Discriminator(_kind_of_overrides),
]


class FlagPatch(NamedFields):
    """What to change of one flag in one environment, all or nothing; a null override is *no override*."""

    enabled: StrictBool = False
    value: Value = None
    overrides: OverridesPatch = {}
    rollout: Rollout | None = None

    @property
    def removes_all_overrides(self) -> bool:
        """Whether it takes all overrides away, whichever they are."""
        return self.overrides == REMOVE

    @property
    def segments(self) -> dict[str, OverridePatch | None]:
        """What it does for each segment that it names."""
        return self.overrides if isinstance(self.overrides, dict) else {}

    @property
    def plain(self) -> dict[str, Any]:
        """What it sets for everyone: field -> value."""
        return {field: getattr(self, field) for field in PLAIN if field in self.named}

    def expanded(self, state: FlagState) -> "FlagPatch":
        """The same patch with *remove* spelled out as the overrides that are there, and with the end of a rollout that it ends.

        Whoever sets what everyone gets ends the rollout that is under way, in the same change.
        """
        ends = state.rollout is not None and "rollout" not in self.named and self.named & {"enabled", "value"}
        if not self.removes_all_overrides and not ends:
            return self
        fields = self.plain | ({"rollout": None} if ends else {})
        if "overrides" in self.named:
            fields["overrides"] = dict.fromkeys(state.overrides) if self.removes_all_overrides else self.segments
        return FlagPatch(**fields)

    def applied(self, state: FlagState) -> FlagState:
        """The flag with this patch on it. A new override inherits what is not named, and ranks last."""
        patch = self.expanded(state)
        overrides = dict(state.overrides)
        changed = state.model_copy(update=patch.plain)
        for segment, override in patch.segments.items():
            if override is None:
                overrides.pop(segment, None)
            else:
                overrides[segment] = override.applied(overrides.get(segment) or _blank(changed, overrides))
        return changed.model_copy(update={"overrides": overrides})

    def seen_in(self, state: FlagState) -> "FlagPatch":
        """What the flag has in the fields that this patch names, itself as a patch that would put them back."""
        patch = self.expanded(state)
        plain = {field: getattr(state, field) for field in patch.plain}
        if "overrides" not in patch.named:
            return FlagPatch(**plain)
        return FlagPatch(**plain, overrides={s: _seen_override(o, state.overrides.get(s)) for s, o in patch.segments.items()})


def _blank(state: FlagState, overrides: dict[str, Override]) -> Override:
    ranked = state.model_copy(update={"overrides": overrides})
    return Override(inherits=INHERITABLE, priority=ranked.next_priority())


def _seen_override(patch: OverridePatch | None, now: Override | None) -> OverridePatch | None:
    if now is None:
        return None
    named: set[str] = {"enabled", "value", "priority"} if patch is None else patch.named | set(patch.inherits)
    inherited = tuple(field for field in now.inherits if field in named)
    fields: dict[str, Any] = {field: getattr(now, field) for field in named - {"inherits"} - set(inherited)}
    return OverridePatch(**fields | ({"inherits": inherited} if inherited else {}))
