"""Response bodies of comparisons."""

from typing import Any

from pydantic import BaseModel, Field

from domain.flags.allocation import percents
from domain.flags.comparison import FieldDifference, FieldValue
from domain.flags.patch import OverridePatch
from domain.flags.project import Feature


class FieldDifferenceView(BaseModel):
    """A field that differs, and its value in each environment, in the form in which it can be set."""

    field: str = Field(
        description="`enabled`, `value`, `allocation`, `rollout`, `overrides/` and the key of a segment, or `feature` if one side lacks it"
    )
    left: Any = Field(description="The value in the first environment. Null for an override or a rollout that it does not have")
    right: Any = Field(description="The value in the second environment")


class ComparedFeature(BaseModel):
    """A feature, and the fields that differ between two environments."""

    key: str
    name: str
    differences: list[FieldDifferenceView]


def compared_feature(feature: Feature, differences: list[FieldDifference]) -> ComparedFeature:
    """Return the view of a compared feature."""
    views = [FieldDifferenceView(field=each.field, left=_shown(each.left), right=_shown(each.right)) for each in differences]
    return ComparedFeature(key=feature.key, name=feature.name, differences=views)


def _shown(value: FieldValue) -> Any:
    """Return the value as JSON. Which identities have a variant is left out, and so is an allocation that an override does not have."""
    if isinstance(value, dict):
        return percents(value)
    if not isinstance(value, OverridePatch):
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    shown = value.model_dump(mode="json", exclude={"allocation"})
    return shown | ({} if value.allocation is None else {"allocation": percents(value.allocation)})
