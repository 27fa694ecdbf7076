"""Actions: the parts of what a stage does to the flag, and how they fold into one patch."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from domain.duration import Duration, speak_duration
from domain.flags.flag import Rollout, Value
from domain.flags.patch import REMOVE, FlagPatch, OverridePatch
from domain.model import Frozen
from domain.pipelines.parameter import Parameters, ValueSource
from domain.text import Slug

Overrides = Literal["keep", "remove"]


class ToggleFeature(Frozen):
    """Enable or disable the flag for everyone."""

    type: Literal["TOGGLE_FEATURE"]
    enabled: bool = Field(strict=True)
    overrides: Overrides = "keep"


class ToggleFeatureForSegment(Frozen):
    """Enable or disable the flag for one segment."""

    type: Literal["TOGGLE_FEATURE_FOR_SEGMENT"]
    segment: Slug
    enabled: bool = Field(strict=True)


class _WithValue(Frozen):
    """What sets a value: one that stands in the pipeline, or one that is filled in later."""

    type: str
    value: Value = None
    value_from: ValueSource | None = Field(default=None, exclude_if=lambda source: source is None)

    @property
    def sets_value(self) -> bool:
        """Whether it names a value at all; null is *no value*."""
        return self.value_from is not None or "value" in self.model_fields_set

    def value_in(self, parameters: Parameters) -> Value:
        """The value, where what it is filled in with is known."""
        return self.value_from.value_in(parameters) if self.value_from else self.value

    @model_serializer(mode="wrap")
    def _without_unset_value(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def] # see NamedFields
        return {field: value for field, value in handler(self).items() if field != "value" or field in self.model_fields_set}

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.value_from is not None and self.value is not None:
            raise ValueError("has both `value` and `value_from`: leave one of them out")
        return self


class _NeedsValue(_WithValue):
    """What does nothing but set a value."""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.sets_value:
            raise ValueError("needs either `value`, or `value_from`, a parameter that gives it")
        return self


class UpdateFeatureValue(_NeedsValue):
    """Set the flag's value for everyone."""

    type: Literal["UPDATE_FEATURE_VALUE"]
    overrides: Overrides = "keep"


class UpdateFeatureValueForSegment(_NeedsValue):
    """Set the flag's value for one segment."""

    type: Literal["UPDATE_FEATURE_VALUE_FOR_SEGMENT"]
    segment: Slug


class PhasedRollout(_WithValue):
    """Serve the flag to a growing share of identities, in percent, until everyone has it.

    A step is due `every` after the one before was made. With `overrides` *remove* the last step takes all overrides away.
    """

    type: Literal["PHASED_ROLLOUT"]
    initial: int = Field(ge=1, le=100, strict=True)
    step: int = Field(ge=1, le=100, strict=True)
    every: Duration
    enabled: bool = Field(default=True, strict=True)
    overrides: Overrides = "keep"

    @property
    def shares(self) -> tuple[int, ...]:
        """The share after each step, in percent; the last one is everyone."""
        return (*range(self.initial, 100, self.step), 100)

    def fields_at(self, share: int, parameters: Parameters) -> dict[str, Any]:
        """What the flag has for everyone at that share; at 100 % the plain state remains."""
        served: dict[str, Any] = {"enabled": self.enabled}
        if self.sets_value:
            served["value"] = self.value_in(parameters)
        return served | {"rollout": None} if share == 100 else {"rollout": Rollout(percent=share, **served)}


WithValue = UpdateFeatureValue | UpdateFeatureValueForSegment | PhasedRollout
ForEveryone = ToggleFeature | UpdateFeatureValue | PhasedRollout
ForSegment = ToggleFeatureForSegment | UpdateFeatureValueForSegment
Action = Annotated[
    ToggleFeature | ToggleFeatureForSegment | UpdateFeatureValue | UpdateFeatureValueForSegment | PhasedRollout,
    Field(discriminator="type"),
]


def named_fields(action: Action) -> list[str]:
    """The flag's fields that the action sets, as paths: `enabled`, `overrides/beta/value`."""
    if isinstance(action, PhasedRollout):
        return ["enabled", "value", "rollout"]
    field = "enabled" if isinstance(action, ToggleFeature | ToggleFeatureForSegment) else "value"
    return [f"overrides/{action.segment}/{field}" if isinstance(action, ForSegment) else field]


def removes_overrides(action: Action) -> bool:
    """Whether the action takes all overrides away."""
    return isinstance(action, ForEveryone) and action.overrides == REMOVE


def rollout_of(actions: Iterable[Action]) -> PhasedRollout | None:
    """The rollout among them; publishing sees to it that there is one at most."""
    return next((action for action in actions if isinstance(action, PhasedRollout)), None)


def fold(actions: Sequence[Action], parameters: Parameters, step: int = 1) -> FlagPatch:
    """What a stage does in one step, as one patch. The first step carries all that is not the rollout.

    Actions must not contradict each other (publishing sees to it).
    """
    rollout = rollout_of(actions)
    share = rollout.shares[step - 1] if rollout else 100
    now = [each for each in actions if step == 1 or each is rollout]
    fields: dict[str, Any] = rollout.fields_at(share, parameters) if rollout else {}
    segments: dict[str, dict[str, Any]] = {}
    for action in now:
        match action:
            case ToggleFeature(enabled=enabled):
                fields["enabled"] = enabled
            case ToggleFeatureForSegment(segment=segment, enabled=enabled):
                segments.setdefault(segment, {})["enabled"] = enabled
            case UpdateFeatureValue():
                fields["value"] = action.value_in(parameters)
            case UpdateFeatureValueForSegment(segment=segment):
                segments.setdefault(segment, {})["value"] = action.value_in(parameters)
    if any(removes_overrides(action) and (action is not rollout or share == 100) for action in now):
        fields["overrides"] = REMOVE
    elif segments:
        fields["overrides"] = {segment: OverridePatch(**named) for segment, named in segments.items()}
    return FlagPatch(**fields)


class _Blanks(dict[str, Value]):
    """Parameters that nobody has filled in yet."""

    def __missing__(self, name: str) -> str:
        return f"‹{name}›"


def blanks(given: Parameters | None = None) -> Parameters:
    """What was given, and a name in angle brackets for each other parameter, for those who read what a pipeline will do."""
    return _Blanks(given or {})


def growth_in_words(rollout: PhasedRollout) -> str:
    """How a rollout goes on after its first step."""
    if len(rollout.shares) == 1:
        return ""
    return f", then {rollout.step} % more every {speak_duration(rollout.every)}"


def leads_for(rollout: PhasedRollout, step: int) -> timedelta:
    """How long it takes from making that step until the last one, at the soonest."""
    return rollout.every * (len(rollout.shares) - step)
