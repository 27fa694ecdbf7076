"""Documents of Unleash as plain values: a second reading, which imports nothing of the product."""

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
Values = Mapping[str, Any]
"""Path -> value: `enabled`, `rollout`, and `segments/ID` for each segment that is served."""

OURS = "Flaghoist: "


def environments_of(feature: Row) -> dict[str, Row]:
    """Return environment -> its part of a feature's document."""
    return {each["name"]: each for each in feature["environments"]}


def values_in(place: Row) -> Values:
    """Return what a feature is in one environment."""
    if not place["enabled"]:
        return {"enabled": False, "rollout": None}
    active = [each for each in place["strategies"] if not each.get("disabled")]
    ours = [each for each in active if is_ours(each)]
    shares = [int(each["parameters"]["rollout"]) for each in ours if each["title"].startswith(f"{OURS}rollout")]
    served = {f"segments/{each['segments'][0]}": True for each in ours if each.get("segments")}
    everyone = not active or any(_serves_everyone(each) for each in active)
    return {"enabled": everyone, "rollout": max(shares, default=None), **served}


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
