"""What the OpenFeature Remote Evaluation Protocol says of a flag (OFREP 0.3.0)."""

from typing import Any

from domain.evaluation.evaluator import FlagResult
from domain.flags.flag import FeatureType

_DEFAULT = "default"
_DISABLED = "disabled"
_ROLLOUT = "rollout"


def resolution_of(found: FlagResult) -> dict[str, Any]:
    """One evaluated flag. Without a value the application takes its own default.

    A toggle is a boolean flag, and its value is whether it is enabled. The others give their value while they are enabled.
    """
    said: dict[str, Any] = {"key": found.flag.feature.key}
    if found.flag.feature.type is FeatureType.TOGGLE:
        return said | {"value": found.enabled, "reason": _reason(found), "variant": _variant(found)}
    if not found.enabled:
        return said | {"reason": "DISABLED", "variant": _DISABLED}
    value = {} if found.value is None else {"value": found.value}
    return said | value | {"reason": _reason(found), "variant": _variant(found)}


def _reason(found: FlagResult) -> str:
    """SPLIT on either side of a rollout. What has rules that did not match is STATIC, as Flagsmith's own provider says."""
    if found.segment:
        return "TARGETING_MATCH"
    return "SPLIT" if found.flag.state.rollout else "STATIC"


def _variant(found: FlagResult) -> str:
    """Whose state it is; never left out, because the Python provider fails without it."""
    return found.segment or (_ROLLOUT if found.in_rollout else _DEFAULT)
