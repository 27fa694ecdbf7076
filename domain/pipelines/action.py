"""Actions: the parts of a stage's change to the flag, and how they fold into one patch.

An action is one class in this module, with the rules that `ActionRules` names.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self, assert_never, final

from pydantic import Field, SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer, model_validator

from domain.duration import Duration, speak_duration
from domain.flags.allocation import Allocation
from domain.flags.flag import Rollout, Value
from domain.flags.patch import REMOVE, FlagPatch, OverridePatch
from domain.flags.variant import CONTROL
from domain.model import Frozen
from domain.percentage import EVERYONE, Percentage, steps_up
from domain.pipelines.parameter import Parameters, ValueSource
from domain.text import Slug

MOST_STEPS = 1_000
"""The most steps of a rollout. Each is a change of its own."""

Overrides = Literal["keep", "remove"]


class ActionRules(Frozen, ABC):
    """The rules of an action. Mark each action `@final`: mypy then names the rules that it lacks."""

    @property
    @abstractmethod
    def named_fields(self) -> tuple[str, ...]:
        """The flag's fields that the action sets, as paths: `enabled`, `overrides/beta/value`."""

    @abstractmethod
    def fields_at(self, share: Percentage, parameters: Parameters, /) -> dict[str, Any]:
        """Return the fields that it sets, of the flag or of its segment's override, and their values.

        A rollout sets other fields at each share, in percent.
        """


@final
class ToggleFeature(ActionRules):
    """Enable or disable the flag for everyone."""

    type: Literal["TOGGLE_FEATURE"]
    enabled: bool = Field(strict=True)
    overrides: Overrides = "keep"

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The enabled state."""
        return ("enabled",)

    def fields_at(self, _share: Percentage, _parameters: Parameters) -> dict[str, Any]:
        """Return the enabled state."""
        return {"enabled": self.enabled}


@final
class ToggleFeatureForSegment(ActionRules):
    """Enable or disable the flag for one segment."""

    type: Literal["TOGGLE_FEATURE_FOR_SEGMENT"]
    segment: Slug
    enabled: bool = Field(strict=True)

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The enabled state of the override."""
        return (f"overrides/{self.segment}/enabled",)

    def fields_at(self, _share: Percentage, _parameters: Parameters) -> dict[str, Any]:
        """Return the enabled state of the override."""
        return {"enabled": self.enabled}


class _WithValue(ActionRules):
    """An action that sets a value: one written in the pipeline, or one that a parameter gives."""

    type: str
    value: Value = None
    value_from: ValueSource | None = Field(default=None, exclude_if=lambda source: source is None)

    @property
    def sets_value(self) -> bool:
        """True if it names a value at all; null is *no value*."""
        return self.value_from is not None or "value" in self.model_fields_set

    def value_in(self, parameters: Parameters) -> Value:
        """Return the value, given the parameter that it may come from."""
        return self.value_from.value_in(parameters) if self.value_from else self.value

    @model_serializer(mode="wrap")
    def _without_unset_value(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def] # see NamedFields
        return {field: value for field, value in handler(self).items() if field != "value" or field in self.model_fields_set}

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.value_from is not None and self.value is not None:
            raise ValueError("has both `value` and `value_from`: leave one of them out")
        return self


class _NeedsValue(_WithValue):
    """An action that only sets a value."""

    def fields_at(self, _share: Percentage, parameters: Parameters) -> dict[str, Any]:
        return {"value": self.value_in(parameters)}

    @model_validator(mode="after")
    def _has_value(self) -> Self:
        if not self.sets_value:
            raise ValueError("needs either `value`, or `value_from`, a parameter that gives it")
        return self


@final
class UpdateFeatureValue(_NeedsValue):
    """Set the flag's value for everyone."""

    type: Literal["UPDATE_FEATURE_VALUE"]
    overrides: Overrides = "keep"

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The value."""
        return ("value",)


@final
class UpdateFeatureValueForSegment(_NeedsValue):
    """Set the flag's value for one segment."""

    type: Literal["UPDATE_FEATURE_VALUE_FOR_SEGMENT"]
    segment: Slug

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The value of the override."""
        return (f"overrides/{self.segment}/value",)


@final
class PhasedRollout(_WithValue):
    """Serve the flag to a growing share of identities, in percent, until everyone has it.

    A step is due `every` after the previous one was carried out. With `overrides` *remove* the last step removes all overrides.
    """

    type: Literal["PHASED_ROLLOUT"]
    initial: Percentage
    step: Percentage
    every: Duration
    enabled: bool = Field(default=True, strict=True)
    overrides: Overrides = "keep"

    @field_validator("step")
    @classmethod
    def _has_not_too_many_steps(cls, step: Percentage, info: ValidationInfo) -> Percentage:
        if "initial" in info.data and len(steps_up(info.data["initial"], step)) > MOST_STEPS:
            raise ValueError(f"must be larger: a rollout can have at most {MOST_STEPS:,} steps")
        return step

    @property
    def shares(self) -> tuple[Percentage, ...]:
        """The share after each step, in percent; the last one is everyone."""
        return steps_up(self.initial, self.step)

    @property
    def named_fields(self) -> tuple[str, ...]:
        """All plain fields, although a step may set only some of them."""
        return ("enabled", "value", "rollout")

    def fields_at(self, share: Percentage, parameters: Parameters) -> dict[str, Any]:
        """Return the rollout at that share; at 100% the flag's own fields, and no rollout."""
        served: dict[str, Any] = {"enabled": self.enabled}
        if self.sets_value:
            served["value"] = self.value_in(parameters)
        return served | {"rollout": None} if share == EVERYONE else {"rollout": Rollout(percent=share, **served)}

    def growth_in_words(self) -> str:
        """Describe the steps after the first one; nothing if there are none."""
        return f", then {self.step}% more every {speak_duration(self.every)}" if len(self.shares) > 1 else ""


@final
class AllocateVariants(ActionRules):
    """Serve variants to shares of identities, in percent. Everyone else gets the value. Without shares the allocation ends."""

    type: Literal["ALLOCATE_VARIANTS"]
    allocation: Allocation
    overrides: Overrides = "keep"

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The allocation."""
        return ("allocation",)

    def fields_at(self, _share: Percentage, _parameters: Parameters) -> dict[str, Any]:
        """Return the allocation."""
        return {"allocation": self.allocation}


@final
class AllocateVariantsForSegment(ActionRules):
    """Serve variants to shares of the identities in one segment, in percent. The rest of them get the value."""

    type: Literal["ALLOCATE_VARIANTS_FOR_SEGMENT"]
    segment: Slug
    allocation: Allocation

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The allocation of the override."""
        return (f"overrides/{self.segment}/allocation",)

    def fields_at(self, _share: Percentage, _parameters: Parameters) -> dict[str, Any]:
        """Return the allocation of the override."""
        return {"allocation": self.allocation}


WINNER = "experiment:winner"  # A parameter that nobody can declare.


@final
class ShipWinner(ActionRules):
    """Serve the variant that the release's experiment has decided for to everyone. If that is the control, the allocation ends."""

    type: Literal["SHIP_WINNER"]
    overrides: Overrides = "keep"

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The allocation."""
        return ("allocation",)

    def fields_at(self, _share: Percentage, parameters: Parameters) -> dict[str, Any]:
        """Return the allocation. Until the experiment has decided, it names a variant `winner`, for people."""
        return {"allocation": {} if (winner := str(parameters.get(WINNER) or "winner")) == CONTROL else {winner: EVERYONE}}


WithAllocation = AllocateVariants | AllocateVariantsForSegment
WithValue = UpdateFeatureValue | UpdateFeatureValueForSegment | PhasedRollout
ForEveryone = ToggleFeature | UpdateFeatureValue | PhasedRollout | AllocateVariants | ShipWinner
ForSegment = ToggleFeatureForSegment | UpdateFeatureValueForSegment | AllocateVariantsForSegment
Action = Annotated[ForEveryone | ForSegment, Field(discriminator="type")]


def removes_overrides(action: Action) -> bool:
    """Return True if the action removes all overrides."""
    return isinstance(action, ForEveryone) and action.overrides == REMOVE


def ships_winner(actions: Iterable[Action]) -> bool:
    """Return True if an action needs the decision of an experiment."""
    return any(isinstance(each, ShipWinner) for each in actions)


def rollout_of(actions: Iterable[Action]) -> PhasedRollout | None:
    """Return the rollout among the actions. Publishing ensures that there is at most one."""
    return next((action for action in actions if isinstance(action, PhasedRollout)), None)


def fold(actions: Sequence[Action], parameters: Parameters, step: int = 1) -> FlagPatch:
    """Return the change that a stage makes in one step, as one patch. The first step also carries all actions besides the rollout.

    Publishing ensures that the actions do not contradict each other.
    """
    rollout = rollout_of(actions)
    share = rollout.shares[step - 1] if rollout else EVERYONE
    acting = [action for action in actions if step == 1 or action is rollout]
    fields: dict[str, Any] = {}
    segments: dict[str, dict[str, Any]] = {}
    for action in acting:
        if isinstance(action, ForSegment):
            segments.setdefault(action.segment, {}).update(action.fields_at(share, parameters))
        elif isinstance(action, ForEveryone):
            fields.update(action.fields_at(share, parameters))
        else:
            assert_never(action)
    if any(removes_overrides(action) and (action is not rollout or share == EVERYONE) for action in acting):
        fields["overrides"] = REMOVE
    elif segments:
        fields["overrides"] = {segment: OverridePatch(**named) for segment, named in segments.items()}
    return FlagPatch(**fields)


class _Blanks(dict[str, Value]):
    """Parameters that have no value yet."""

    def __missing__(self, name: str) -> str:
        return f"‹{name}›"


def blanks(given: Parameters | None = None) -> Parameters:
    """Return the given values, and for every other parameter its name in angle brackets, to describe what a pipeline will do."""
    return _Blanks(given or {})
