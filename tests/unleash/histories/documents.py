"""Documents of Unleash as plain values: a second reading, which imports nothing of the product."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
Values = Mapping[str, Any]
"""Path -> value: `enabled`, `rollout`, `allocation`, and `segments/ID` for each segment that is served."""

OURS = "Flaghoist: "
WHOLE = 100
_FOR_EVERYONE = re.compile(rf"{OURS}everyone(, (?!switched on)(?P<variant>[a-z-]+))?(, switched on)?")


def environments_of(feature: Row) -> dict[str, Row]:
    """Return environment -> its part of a feature's document."""
    return {each["name"]: each for each in feature["environments"]}


def values_in(place: Row) -> Values:
    """Return what a feature is in one environment."""
    if not place["enabled"]:
        return {"enabled": False, "rollout": None, "allocation": _allocation(place)}
    active = [each for each in place["strategies"] if not each.get("disabled")]
    ours = [each for each in active if is_ours(each)]
    shares = [_percent(each) for each in ours if each["title"].startswith(f"{OURS}rollout") and not each.get("variants")]
    served = {f"segments/{each['segments'][0]}": True for each in ours if each.get("segments") and _percent(each) == WHOLE}
    everyone = not active or any(_serves_everyone(each) for each in active)
    return {"enabled": everyone, "rollout": max(shares, default=None), "allocation": _allocation(place), **served}


def _allocation(place: Row) -> tuple[tuple[str, int], ...]:
    """Return each variant and its share: that of the numbers from 1 to 100 for which its strategies are the first ones.

    Strategies that are disabled count after all others, because they keep the allocation of a flag that is disabled.
    """
    slots = dict[int, str]()
    for each in sorted(place["strategies"], key=lambda each: (each.get("disabled", False), each["sortOrder"])):
        variant, is_active = _variant_for_everyone(each), not each.get("disabled")
        is_reached = not is_active or all(end < _percent(each) for end in slots)
        if is_reached and (variant or (is_active and variant == "")):
            slots.setdefault(_percent(each), variant)
    shares, start = Counter[str](), 0
    for end, variant in sorted(slots.items()):
        shares.update({variant: end - start} if variant not in ("", "control") else {})
        start = end
    return tuple(sorted(shares.items()))


def _variant_for_everyone(strategy: Row) -> str | None:
    """Return the variant that a strategy of ours serves to everyone, nothing if it has none, or None if it is not such a strategy."""
    title = _FOR_EVERYONE.fullmatch(str(strategy.get("title")))
    names = [each["name"] for each in strategy.get("variants") or []]
    if title is None or strategy.get("segments") or names != ([title["variant"]] if title["variant"] else []):
        return None
    return title["variant"] or ""


def _percent(strategy: Row) -> int:
    return int(strategy["parameters"]["rollout"])


def is_ours(strategy: Row) -> bool:
    """True if the strategy has a title that Flaghoist gives."""
    return str(strategy.get("title") or "").startswith(OURS)


def differences(before: Values, after: Values) -> list[str]:
    """Return the paths whose values differ."""
    return [path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]


def _serves_everyone(strategy: Row) -> bool:
    if strategy.get("constraints") or strategy.get("segments"):
        return False
    return bool(strategy["name"] == "default" or strategy["parameters"].get("rollout") == "100")
