"""The check of a pipeline against what the provider of its project can express."""

from collections.abc import Iterator

from domain.errors import Problem
from domain.flags.allocation import percents
from domain.flags.provider import CAPABILITIES, Capability, ProviderKind
from domain.pipelines.action import (
    Action,
    AllocateVariants,
    AllocateVariantsForSegment,
    PhasedRollout,
    ShipWinner,
    ToggleFeature,
    ToggleFeatureForSegment,
    UpdateFeatureValue,
    UpdateFeatureValueForSegment,
    WithAllocation,
)
from domain.pipelines.fold import ships_winner
from domain.pipelines.pipeline import PipelineDefinition, Stage


def unsupported_actions(definition: PipelineDefinition, provider: ProviderKind) -> Iterator[Problem]:
    """Yield a problem for each action that the provider can't carry out, with a pointer into the document."""
    allocated: dict[str, bool] = {}
    for s, stage in enumerate(definition.stages):
        allocated[stage.environment] = _is_allocated_after(stage, allocated.get(stage.environment, False))
        for a, action in enumerate(stage.actions):
            for missing in needed_for(action, is_allocated=allocated[stage.environment]):
                if missing not in CAPABILITIES[provider]:
                    sentences = f"{provider.label} can't {missing.in_words}.", missing.remedy, "docs/guide/providers.md has what it can do."
                    message = " ".join(filter(None, sentences))
                    yield Problem(pointer=f"/stages/{s}/actions/{a}", code="not_supported_by_provider", message=message)


def warnings_for(definition: PipelineDefinition, provider: ProviderKind) -> Iterator[Problem]:
    """Yield what works with the provider but is probably not expected, with a pointer into the document."""
    for s, stage in enumerate(definition.stages):
        for a, action in enumerate(stage.actions):
            if provider is ProviderKind.FLAGD and isinstance(action, PhasedRollout | WithAllocation):
                message = (
                    "flagd's evaluators for Python and for other languages choose different people for the same share. "
                    "If applications in both ask for this flag, a person may have it in one and not in the other."
                )
                yield Problem(pointer=f"/stages/{s}/actions/{a}", code="rollout_differs_between_sdks", message=message)


def needed_for(action: Action, *, is_allocated: bool = False) -> Iterator[Capability]:
    """Yield what a provider must be able to express for this action, on a flag that may have an allocation."""
    match action:
        case ToggleFeature():
            yield Capability.ENABLED
        case UpdateFeatureValue():
            yield Capability.VALUE
        case ToggleFeatureForSegment(enabled=enabled):
            yield Capability.ENABLED_FOR_SEGMENT if enabled else Capability.DISABLED_FOR_SEGMENT
        case UpdateFeatureValueForSegment():
            yield Capability.VALUE_FOR_SEGMENT
        case AllocateVariants() | AllocateVariantsForSegment() | ShipWinner():
            yield from _needed_for_variants(action)
        case PhasedRollout():
            yield from _needed_for_rollout(action, is_allocated)


def _is_allocated_after(stage: Stage, before: bool) -> bool:
    """Return True if the flag may have an allocation for everyone while the stage acts."""
    allocations = [bool(each.allocation) for each in stage.actions if isinstance(each, AllocateVariants)]
    ends = any(isinstance(each, UpdateFeatureValue) for each in stage.actions)
    return any(allocations) or ships_winner(stage.actions) or (before and not allocations and not ends)


def _needed_for_variants(action: WithAllocation | ShipWinner) -> Iterator[Capability]:
    yield Capability.VARIANTS
    if isinstance(action, ShipWinner):
        has_fractions = action.ramp is not None and len(action.ramp.shares) > 1  # The others give up parts of a percent.
    else:
        has_fractions = any(share != int(share) for share in percents(action.allocation).values())
    if has_fractions:
        yield Capability.VARIANTS_FRACTIONS


def _needed_for_rollout(action: PhasedRollout, is_allocated: bool) -> Iterator[Capability]:
    yield Capability.ROLLOUT if action.enabled else Capability.ROLLOUT_OF_DISABLED
    if action.sets_value:
        yield Capability.ROLLOUT_OF_VALUE
    if any(share != int(share) for share in action.ramp.shares):
        yield Capability.ROLLOUT_FRACTIONS
    if is_allocated and len(action.ramp.shares) > 1:
        yield Capability.VARIANTS_IN_ROLLOUT
