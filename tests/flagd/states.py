"""Strategies for the states and patches of a flag of each type."""

from typing import Any

from hypothesis import strategies as st

from domain.flags.flag import FeatureType, FlagState
from domain.flags.patch import FlagPatch
from tests.domain import flag_strategies

FEATURES = {FeatureType.TOGGLE: "checkout", FeatureType.STRING: "colour", FeatureType.INTEGER: "limit"}
_NUMBERS = {"": 0, "a": 10, "b": -7}


def states(feature_type: FeatureType) -> st.SearchStrategy[FlagState]:
    return flag_strategies.flags().map(lambda each: FlagState.model_validate(_converted(each.model_dump(), feature_type)))


def patches(feature_type: FeatureType) -> st.SearchStrategy[FlagPatch]:
    return flag_strategies.patches().map(lambda each: FlagPatch.model_validate(_converted(each.model_dump(), feature_type)))


def _converted(document: Any, feature_type: FeatureType) -> Any:
    """Return a document of a state or a patch with its values converted to a type."""
    if not isinstance(document, dict):
        return document
    # flagd's files have no allocations of variants: its capabilities say so.
    kept = {key: each for key, each in document.items() if key != "allocation"}
    return {key: _value(each, feature_type) if key == "value" else _converted(each, feature_type) for key, each in kept.items()}


def _value(value: str | None, feature_type: FeatureType) -> str | int | None:
    if value is None or feature_type is FeatureType.TOGGLE:
        return None
    return _NUMBERS[value] if feature_type is FeatureType.INTEGER else value
