"""Actions: the parts of a stage's change to the flag.

An action is one class in this module, with the rules that `ActionRules` names.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal, Self, final

from pydantic import Field, SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer, model_validator

from domain.duration import Duration
from domain.flags.allocation import Allocation
from domain.flags.flag import Rollout, Value
from domain.flags.variant import CONTROL
from domain.model import Frozen
from domain.percentage import EVERYONE, Percentage
from domain.pipelines.parameter import Parameters, ValueSource
from domain.pipelines.ramp import Ramp, check_not_too_many_steps
from domain.text import Slug

Overrides = Literal["keep", "remove"]


class ActionRules(Frozen, ABC):
    """The rules of an action. Mark each action `@final`: mypy then names the rules that it lacks."""

    @property
    @abstractmethod
    def named_fields(self) -> tuple[str, ...]:
        """The flag's fields that the action sets, as paths: `enabled`, `overrides/beta/value`."""

    @property
    def ramp(self) -> Ramp | None:
        """The steps in which it is carried out, or None if it is carried out at once."""
        return None

    def share_at(self, step: int, _parameters: Parameters, /) -> Percentage:
        """Return the share, in percent, to which it grows in a step of its ramp. Without a ramp it is for everyone at once."""
        return self.ramp.shares[step - 1] if self.ramp else EVERYONE

    @abstractmethod
    def fields_at(self, share: Percentage, parameters: Parameters, /) -> dict[str, Any]:
        """Return the fields that it sets, of the flag or of its segment's override, and their values.

        A ramp sets other fields at each share, in percent.
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
        return check_not_too_many_steps(info.data["initial"], step) if "initial" in info.data else step

    @property
    def ramp(self) -> Ramp:
        """Its steps."""
        return Ramp(self.initial, self.step, self.every)

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
    """Serve the variant that the release's experiment has decided for to everyone: at once, or with steps as a rollout has them.

    With each step, the other variants and the plain value give up shares in proportion. The control is shipped at once, by ending the
    allocation.
    """

    type: Literal["SHIP_WINNER"]
    initial: Percentage | None = Field(default=None, exclude_if=lambda initial: initial is None)
    step: Percentage | None = Field(default=None, exclude_if=lambda step: step is None)
    every: Duration | None = Field(default=None, exclude_if=lambda every: every is None)
    overrides: Overrides = "keep"

    @model_validator(mode="after")
    def _has_all_of_a_ramp(self) -> Self:
        given = [name for name in Ramp._fields if getattr(self, name) is not None]
        if given and self.ramp is None:
            raise ValueError(f"must have all of {', '.join(Ramp._fields)}, to ship in steps, or none of them, to ship at once")
        if self.initial is not None and self.step is not None:
            check_not_too_many_steps(self.initial, self.step)
        return self

    @property
    def ramp(self) -> Ramp | None:
        """Its steps, if it has any."""
        if self.initial is None or self.step is None or self.every is None:
            return None
        return Ramp(self.initial, self.step, self.every)

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The allocation."""
        return ("allocation",)

    def share_at(self, step: int, parameters: Parameters) -> Percentage:
        """Return the winner's share in a step. The control gets everyone in the first one."""
        return EVERYONE if parameters.get(WINNER) == CONTROL else super().share_at(step, parameters)

    def fields_at(self, share: Percentage, parameters: Parameters) -> dict[str, Any]:
        """Return the winner's share. Until the experiment has decided, it names a variant `winner`, for people."""
        return {"allocation": {} if (winner := str(parameters.get(WINNER) or "winner")) == CONTROL else {winner: share}}


WithAllocation = AllocateVariants | AllocateVariantsForSegment
WithValue = UpdateFeatureValue | UpdateFeatureValueForSegment | PhasedRollout
ForEveryone = ToggleFeature | UpdateFeatureValue | PhasedRollout | AllocateVariants | ShipWinner
ForSegment = ToggleFeatureForSegment | UpdateFeatureValueForSegment | AllocateVariantsForSegment
Action = Annotated[ForEveryone | ForSegment, Field(discriminator="type")]


class _Blanks(dict[str, Value]):
    """Parameters that have no value yet."""

    def __missing__(self, name: str) -> str:
        return f"‹{name}›"


def blanks(given: Parameters | None = None) -> Parameters:
    """Return the given values, and for every other parameter its name in angle brackets, to describe what a pipeline will do."""
    return _Blanks(given or {})
