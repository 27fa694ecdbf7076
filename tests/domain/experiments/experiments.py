"""Designs and looks for tests: a checkout of which a variant may convert better, with errors as a guardrail."""

from datetime import timedelta
from typing import Any

from domain.experiments.design import Design
from domain.experiments.look import Look
from domain.statistics.confidence_sequence import Arm

DAY = timedelta(days=1)


def conversions(n: int, successes: int) -> Arm:
    mean = successes / n
    return Arm(n, mean, mean * (1 - mean) * n / max(1, n - 1))


def design(*variants: str, **fields: Any) -> Design:
    arms = {"control": {"key": "control"}, "variants": [{"key": key} for key in variants or ("blue",)]}
    return Design.model_validate(arms | {"longest": timedelta(days=14)} | fields)


GUARDED = {"guardrails": [{"metric": "errors", "better": "lower", "margin": 0.1}]}


def look(days: float = 1, errors: dict[str, tuple[int, int]] | None = None, **goal: tuple[int, int]) -> Look:
    """Return a look with the users and the conversions of each arm."""
    return look_at(goal, days, errors)


def look_at(goal: dict[str, tuple[int, int]], days: float = 1, errors: dict[str, tuple[int, int]] | None = None) -> Look:
    """Return a look with the same from tables."""
    guardrails = {} if errors is None else {"errors": {key: conversions(*arm) for key, arm in errors.items()}}
    return Look(elapsed=days * DAY, goal={key: conversions(*arm) for key, arm in goal.items()}, guardrails=guardrails)
