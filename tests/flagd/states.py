"""Strategies for the states and patches of a flag of each type."""

from typing import Any

from hypothesis import strategies as st

from domain.flags.flag import FeatureType, FlagState
from domain.flags.patch import FlagPatch
from tests.domain import flag_strategies
from tests.domain.flag_strategies import VARIANT_KEYS

FEATURES = {FeatureType.TOGGLE: "checkout", FeatureType.STRING: "colour", FeatureType.INTEGER: "limit"}
VARIANTS = {FeatureType.STRING: ("red", "blue", "green"), FeatureType.INTEGER: ("few", "many", "most")}
_NUMBERS = {"": 0, "a": 10, "b": -7}


def states(feature_type: FeatureType) -> st.SearchStrategy[FlagState]:
    drawn = flag_strategies.flags().map(lambda each: FlagState.model_validate(_converted(each.model_dump(), feature_type)))
    return drawn.map(lambda each: each.model_copy(update={"rollout": None}) if each.allocation else each)


def patches(feature_type: FeatureType) -> st.SearchStrategy[FlagPatch]:
    return flag_strategies.patches().map(lambda each: FlagPatch.model_validate(_converted(each.model_dump(), feature_type)))


def _converted(document: Any, feature_type: FeatureType) -> Any:
    """Return a document of a state or a patch with its values converted to a type, and with variants that the flag has."""
    if not isinstance(document, dict):
        return document
    kept = {key: each for key, each in document.items() if key != "allocation" or feature_type is not FeatureType.TOGGLE}
    named = dict(zip(VARIANT_KEYS, VARIANTS.get(feature_type, ()), strict=False))
    converted: dict[str, Any] = {}
    for key, each in kept.items():
        if key == "value":
            converted[key] = _value(each, feature_type)
        elif key == "allocation":
            converted[key] = each and {named[variant]: share for variant, share in each.items()}
        else:
            converted[key] = _converted(each, feature_type)
    return converted


def _value(value: str | None, feature_type: FeatureType) -> str | int | None:
    if value is None or feature_type is FeatureType.TOGGLE:
        return None
    return _NUMBERS[value] if feature_type is FeatureType.INTEGER else value
