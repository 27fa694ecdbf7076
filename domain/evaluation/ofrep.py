"""Evaluated flags in the format of the OpenFeature Remote Evaluation Protocol (OFREP 0.3.0)."""

from typing import Any

from domain.evaluation.evaluator import FlagResult
from domain.flags.flag import FeatureType

_DEFAULT = "default"
_DISABLED = "disabled"
_ROLLOUT = "rollout"

KEY_MISSING = "Missing 'targetingKey': the value of this flag depends on it, by a rollout, by variants or by the rules of a segment."


def resolution_of(result: FlagResult) -> dict[str, Any]:
    """Return one evaluated flag. Without a value, the application uses its own default.

    A toggle is a boolean flag whose value is *enabled*. Flags of other types have a value only while they are enabled.
    """
    key: dict[str, Any] = {"key": result.flag.feature.key}
    if result.flag.feature.type is FeatureType.TOGGLE:
        return key | {"value": result.enabled, "reason": _reason(result), "variant": _variant(result)}
    if not result.enabled:
        return key | {"reason": "DISABLED", "variant": _DISABLED}
    value = {} if result.value is None else {"value": result.value}
    return key | value | {"reason": _reason(result), "variant": _variant(result)}


def key_missing(feature: str) -> dict[str, str]:
    """Return the error for a flag that can't be evaluated without a targeting key."""
    return {"key": feature, "errorCode": "TARGETING_KEY_MISSING", "errorDetails": KEY_MISSING}


def _reason(result: FlagResult) -> str:
    """SPLIT inside and outside the shares of a rollout or of variants, and otherwise as in Flagsmith's own OpenFeature provider."""
    if result.is_split and result.enabled:
        return "SPLIT"
    if result.segment:
        return "TARGETING_MATCH"
    return "SPLIT" if result.flag.state.rollout else "STATIC"


def _variant(result: FlagResult) -> str:
    """The variant, or else the source of the value. Never omitted, because the Python provider fails without a variant."""
    if result.variant and result.enabled:
        return result.variant.key
    return result.segment or (_ROLLOUT if result.in_rollout else _DEFAULT)
