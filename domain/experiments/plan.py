"""Plans of experiments on a conversion: how many users a lift needs, and for how many weeks."""

import math
from datetime import timedelta
from statistics import NormalDist

from domain.duration import LONGEST
from domain.errors import Invalid
from domain.model import Frozen

POWER = 0.8
LONGER = 2
"""The users for which the experiment should have time, relative to a fixed test. It then finds about 85% of the lifts that are there."""

WEEK = timedelta(days=7)
FEWEST_WEEKS = 2


class Plan(Frozen):
    """The fields of an experiment: the planned users of each arm, and its durations."""

    planned: int
    shortest: timedelta
    longest: timedelta


def plan_of(rate: float, lift: float, users_per_day: int, variants: int = 1, confidence: float = 0.95) -> Plan:
    """Plan an experiment that finds a relative lift of a conversion rate. The users of a day are those of all arms together.

    Raises Invalid if the numbers are no plan, or if it would take too long.
    """
    better = rate * (1 + lift)
    if not (0 < rate < 1 and 0 < better < 1 and lift and users_per_day > 0 and 1 <= variants <= 20 and 0.5 <= confidence < 1):
        raise Invalid("A rate must be between 0 and 1, also with the lift, which must not be zero. There must be users and variants.")
    planned = _users_of_a_fixed_test(rate, better, (1 - confidence) / variants)
    weeks = max(FEWEST_WEEKS, math.ceil(LONGER * planned * (variants + 1) / users_per_day / WEEK.days))
    if weeks * WEEK.days > LONGEST.days:
        raise Invalid(f"It would take {weeks:,} weeks: plan for a larger lift, or count more users.")
    return Plan(planned=planned, shortest=FEWEST_WEEKS * WEEK, longest=weeks * WEEK)


def _users_of_a_fixed_test(rate: float, better: float, alpha: float) -> int:
    """Return the users per arm with which a two-sided z-test finds the difference in 80% of all experiments."""
    normal = NormalDist()
    variance = rate * (1 - rate) + better * (1 - better)
    return math.ceil((normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(POWER)) ** 2 * variance / (better - rate) ** 2)
