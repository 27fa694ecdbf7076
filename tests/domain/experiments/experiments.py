"""Designs and looks for tests: a checkout of which a variant may convert better, with errors as a guardrail."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from domain.experiments.analysis import analyse
from domain.experiments.decision import Decision
from domain.experiments.design import Design
from domain.experiments.look import Look
from domain.statistics.confidence_sequence import Arm

DAY = timedelta(days=1)
TEN = (10_000, 1_000)
THIRTEEN = (10_000, 1_300)
FOURTEEN = (10_000, 1_400)


def conversions(n: int, successes: int) -> Arm:
    mean = successes / n
    return Arm(n, mean, mean * (1 - mean) * n / max(1, n - 1))


def design(*variants: str, shares: Sequence[float] = (), **fields: Any) -> Design:
    """Return a design of two weeks. Shares are those of the control and the variants, and equal by default."""
    control, *others = [
        {"key": key, "share": share} for key, share in zip_longest(("control", *(variants or ("blue",))), shares, fillvalue=1)
    ]
    arms = {"control": control, "variants": others}
    return Design.model_validate(arms | {"longest": timedelta(days=14)} | fields)


GUARDED: dict[str, Any] = {"guardrails": [{"metric": "errors", "better": "lower", "margin": 0.1}]}


def look(days: float = 1, errors: dict[str, tuple[int, int]] | None = None, **goal: tuple[int, int]) -> Look:
    """Return a look with the users and the conversions of each arm."""
    return look_at(goal, days, errors)


def look_at(goal: dict[str, tuple[int, int]], days: float = 1, errors: dict[str, tuple[int, int]] | None = None) -> Look:
    """Return a look with the same from tables."""
    guardrails = {} if errors is None else {"errors": {key: conversions(*arm) for key, arm in errors.items()}}
    return Look(elapsed=days * DAY, goal={key: conversions(*arm) for key, arm in goal.items()}, guardrails=guardrails)


def decided(*looks: Look, of: Design | None = None) -> Decision:
    """Return the decision at the last look."""
    return analyse(of or design(), looks).decision
