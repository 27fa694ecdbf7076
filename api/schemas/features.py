"""Request and response bodies of features."""

from collections.abc import Mapping

from pydantic import BaseModel, Field, StrictBool

from activities.store.system_names import SystemName
from api.schemas.projects import CreateNamed
from domain.flags.allocation import percents
from domain.flags.flag import FeatureType, FlagState, Inheritable, Rollout, Value
from domain.flags.project import Feature
from domain.flags.variant import Variant, Variants
from domain.model import Frozen
from domain.percentage import Percentage
from domain.releases.release import Release
from domain.text import Description, Name


class DefaultState(Frozen):
    """The state of a flag in environments where it has not been changed."""

    enabled: StrictBool = False
    value: Value = None


class CreateFeature(CreateNamed):
    """A new feature. Its type defaults to that of its default value. `default` is its state in every environment.

    Variants are values that an allocation serves to shares of identities. Those of a toggle have no value.
    """

    description: Description = ""
    type: FeatureType | None = None
    default: DefaultState = DefaultState()
    variants: Variants = ()


class ChangeFeature(Frozen):
    """A new name, description or list of variants. The list replaces all variants."""

    name: Name | None = None
    description: Description | None = None
    variants: Variants | None = None


class OverrideView(BaseModel):
    """The state of a flag for one segment. Fields in `inherits` follow the default.

    `allocation` is null if the override has none of its own. Then it follows that of the default, if it also follows its value.
    """

    enabled: bool
    value: Value
    inherits: list[Inheritable]
    priority: int
    allocation: dict[str, Percentage] | None


class FlagView(BaseModel):
    """A flag in one environment."""

    enabled: bool
    value: Value
    allocation: dict[str, Percentage] = Field(description="Variant -> its share of identities. Everyone else gets the value.")
    overrides: dict[str, OverrideView]
    rollout: Rollout | None


class InRelease(BaseModel):
    """The unfinished release of a feature."""

    id: str
    pipeline: str
    stage: str
    status: str


class FeatureView(BaseModel):
    """A feature with its state in every environment."""

    key: str
    name: str
    description: str
    type: FeatureType
    default: DefaultState
    variants: list[Variant]
    environments: dict[str, FlagView]
    release: InRelease | None
    name_there: str | None = Field(default=None, description="Its name in the flag system in which it is kept, if not here.")
    foreign: dict[str, list[str]] = Field(
        default={}, description="Environment -> a sentence for each part of the flag that others made there and that stays as it is."
    )


class ChangedFeature(FeatureView):
    """A feature after a manual change, with warnings about the change."""

    warnings: list[str]


def flag_view(state: FlagState) -> FlagView:
    """Return the view of a flag state, with inherited fields filled in."""
    overrides = {}
    for segment, override in sorted(state.overrides.items(), key=lambda item: item[1].priority):
        enabled, value = state.resolved(segment)
        own = None if override.allocation is None else percents(override.allocation)
        about = {"inherits": list(override.inherits), "priority": override.priority, "allocation": own}
        overrides[segment] = OverrideView(enabled=enabled, value=value, **about)
    allocation = percents(state.allocation)
    return FlagView(enabled=state.enabled, value=state.value, allocation=allocation, overrides=overrides, rollout=state.rollout)


def feature_view(feature: Feature, states: Mapping[str, FlagState], release: Release | None, name: SystemName | None = None) -> FeatureView:
    """Return the view of a feature. `name` is the one that it has in another system."""
    in_release = None
    if release:
        in_release = InRelease(id=release.id, pipeline=release.pipeline.key, stage=release.stage, status=release.status)
    return FeatureView(
        key=feature.key,
        name=feature.name,
        description=feature.description,
        type=feature.type,
        default=DefaultState(enabled=feature.default.enabled, value=feature.default.value),
        variants=list(feature.variants),
        environments={environment: flag_view(state) for environment, state in states.items()},
        release=in_release,
        name_there=name.name if name else None,
        foreign={environment: sentences for environment, sentences in name.foreign.items() if sentences} if name else {},
    )
