"""Builders of pipeline definitions."""

from typing import Any


def stage(
    name: str, environment: str = "development", wait: str | None = None, actions: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return a stage. By default, it enables the flag for everyone."""
    trigger = {"type": "WAIT_FOR", "duration": wait} if wait else {"type": "ON_ENTER"}
    return {"name": name, "environment": environment, "trigger": trigger, "actions": [enable()] if actions is None else actions}


def hold(name: str, wait: str, environment: str = "production") -> dict[str, Any]:
    """Return a stage without actions."""
    return stage(name, environment, wait, actions=[])


def enable(segment: str | None = None, *, enabled: bool = True) -> dict[str, Any]:
    """Return an action that enables the flag for everyone or for a segment."""
    if segment:
        return {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "segment": segment, "enabled": enabled}
    return {"type": "TOGGLE_FEATURE", "enabled": enabled}


def set_value(value: Any, segment: str | None = None) -> dict[str, Any]:
    """Return an action that sets the flag's value for everyone or for a segment."""
    if segment:
        return {"type": "UPDATE_FEATURE_VALUE_FOR_SEGMENT", "segment": segment, "value": value}
    return {"type": "UPDATE_FEATURE_VALUE", "value": value}


def rollout(initial: Any = 10, step: Any = 30, every: str = "6h", **more: Any) -> dict[str, Any]:
    """Return a phased rollout, by default to 10, 40, 70 and 100%, 6 hours apart."""
    return {"type": "PHASED_ROLLOUT", "initial": initial, "step": step, "every": every, **more}


def allocate(allocation: dict[str, Any], segment: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an action that serves variants to shares of everyone or of a segment."""
    if segment:
        return {"type": "ALLOCATE_VARIANTS_FOR_SEGMENT", "segment": segment, "allocation": allocation}
    return {"type": "ALLOCATE_VARIANTS", "allocation": allocation, **more}


def ship_winner(initial: Any = 60, step: Any = 20, every: str = "6h", **more: Any) -> dict[str, Any]:
    """Return an action that ramps the winner of an experiment, by default to 60, 80 and 100%, 6 hours apart."""
    return {"type": "SHIP_WINNER", "initial": initial, "step": step, "every": every, **more}


def until(at: str | None = None, parameter: str | None = None, timezone: str | None = None) -> dict[str, Any]:
    """Return a trigger at a point in time, either fixed or from a parameter."""
    named = {"at": at} if at else {"at_from": {"parameter": parameter}}
    return {"type": "WAIT_UNTIL", **named, **({"timezone": timezone} if timezone else {})}


def approval(approvals: int = 1, **more: Any) -> dict[str, Any]:
    """Return a gate that requires approvals."""
    return {"type": "APPROVAL", "approvals": approvals, **more}


def window(start: str, end: str, *days: str, timezone: str = "UTC") -> dict[str, Any]:
    """Return a gate that is open on these days, or on every day, between these hours."""
    every_day = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
    return {"type": "WINDOW", "timezone": timezone, "ranges": [{"days": list(days or every_day), "start": start, "end": end}]}


def pipeline(*stages: dict[str, Any], key: str = "standard", **more: Any) -> dict[str, Any]:
    """Return the definition of a pipeline."""
    return {"key": key, "name": key.title(), "stages": list(stages), **more}
