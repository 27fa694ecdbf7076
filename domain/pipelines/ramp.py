"""Ramps: a share of identities that grows in steps until everyone is in it."""

from typing import NamedTuple

from domain.duration import Duration, speak_duration
from domain.percentage import Percentage, steps_up

MOST_STEPS = 1_000
"""The most steps of a ramp. Each is a change of its own."""


class Ramp(NamedTuple):
    """The first share, the growth with each step, in percent, and the time between two steps.

    A step is due `every` after the previous one was carried out.
    """

    initial: Percentage
    step: Percentage
    every: Duration

    @property
    def shares(self) -> tuple[Percentage, ...]:
        """The share after each step, in percent; the last one is everyone."""
        return steps_up(self.initial, self.step)

    def growth_in_words(self) -> str:
        """Describe the steps after the first one; nothing if there are none."""
        return f", then {self.step}% more every {speak_duration(self.every)}" if len(self.shares) > 1 else ""


def check_not_too_many_steps(initial: Percentage, step: Percentage) -> Percentage:
    """Return the step. Raises ValueError if it leads to too many."""
    if len(steps_up(initial, step)) > MOST_STEPS:
        raise ValueError(f"must be larger: a rollout can have at most {MOST_STEPS:,} steps")
    return step
