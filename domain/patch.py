"""A change to one flag in one environment, touching only the fields that it names."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, StrictBool, Tag, model_serializer, model_validator

from domain.flag import LAST_PRIORITY, MOST_OVERRIDES, FlagState, Inheritable, Override, Value
from domain.model import Frozen
from domain.text import Slug

REMOVE: Literal["remove"] = "remove"

INHERITABLE: tuple[Inheritable, ...] = ("enabled", "value")


class NamedFields(Frozen):
    """A model in which a field that was not named is something else than a field with its default."""

    @property
    def named(self) -> set[str]:
        """The fields that were given."""
        return self.model_fields_set

    @model_serializer(mode="wrap")
    def _only_named(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {field: value for field, value in handler(self).items() if field in self.model_fields_set}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]


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

    @property
    def removes_all_overrides(self) -> bool:
        """Whether it takes all overrides away, whichever they are."""
        return self.overrides == REMOVE

    @property
    def segments(self) -> dict[str, OverridePatch | None]:
        """What it does for each segment that it names."""
        return self.overrides if isinstance(self.overrides, dict) else {}

    def expanded(self, state: FlagState) -> "FlagPatch":
        """The same patch with *remove* spelled out as the overrides that are there."""
        if not self.removes_all_overrides:
            return self
        plain = {field: getattr(self, field) for field in self.named - {"overrides"}}
        return FlagPatch(**plain, overrides=dict.fromkeys(state.overrides))

    def applied(self, state: FlagState) -> FlagState:
        """The flag with this patch on it. A new override inherits what is not named, and ranks last."""
        patch = self.expanded(state)
        overrides = dict(state.overrides)
        changed = FlagState(
            enabled=patch.enabled if "enabled" in patch.named else state.enabled,
            value=patch.value if "value" in patch.named else state.value,
            overrides=overrides,
        )
        for segment, override in patch.segments.items():
            if override is None:
                overrides.pop(segment, None)
            else:
                overrides[segment] = override.applied(overrides.get(segment) or _blank(changed, overrides))
        return changed.model_copy(update={"overrides": overrides})

    def seen_in(self, state: FlagState) -> "FlagPatch":
        """What the flag has in the fields that this patch names, itself as a patch that would put them back."""
        patch = self.expanded(state)
        plain = {field: getattr(state, field) for field in patch.named - {"overrides"}}
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
