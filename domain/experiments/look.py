"""The numbers of an experiment at one look, and what makes them unusable."""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import PlainSerializer

from domain.experiments.design import Design
from domain.model import Message
from domain.statistics.confidence_sequence import Arm
from domain.statistics.sample_ratio import Counts

Arms = Mapping[str, Annotated[Arm, PlainSerializer(Arm._asdict)]]
"""The numbers of one metric by the key of the arm, counted since the experiment began."""


class Look(Message):
    """The numbers at one look: the goal of each arm, the guardrails by their metric, and the time since the experiment began."""

    elapsed: timedelta
    goal: Arms
    guardrails: Mapping[str, Arms] = {}

    def counts(self, design: Design) -> list[Counts]:
        """Return the users of each arm, beside its planned share."""
        return [Counts(users(self.goal, arm.key), arm.share) for arm in design.arms]

    def metrics(self) -> Iterator[tuple[str, Arms]]:
        """Return the goal and all guardrails, with their names."""
        yield "goal", self.goal
        yield from self.guardrails.items()


def users(arms: Arms, key: str) -> int:
    """Return the number of users of an arm, which is zero if it has no row."""
    return arms[key].n if key in arms else 0


def is_share(arm: Arm) -> bool:
    """Return True if every value of an arm is 0 or 1, as for a conversion."""
    return arm.n > 1 and math.isclose(arm.variance, arm.mean * (1 - arm.mean) * arm.n / (arm.n - 1), rel_tol=1e-6, abs_tol=1e-12)


def is_usable(arm: Arm) -> bool:
    """Return True if the numbers of an arm can be compared."""
    return arm.n >= 0 and math.isfinite(arm.mean) and math.isfinite(arm.variance) and arm.variance >= 0
