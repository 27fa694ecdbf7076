"""Intervals that hold at every look at once, for the difference of two means and for their relative lift.

They are asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", arXiv 2103.06476, equations 9 and 161. `docs/statistics.md` says where this differs, and why.
"""

import math
from typing import NamedTuple

PLANNED = 5_000
"""The number of users, both arms together, at which an interval is narrowest if no other number is planned."""


class Arm(NamedTuple):
    """A group of users: their number, the mean of their values, and the sample variance of these values (with n - 1)."""

    n: int
    mean: float
    variance: float


class Interval(NamedTuple):
    """An estimate and the bounds of its interval, in the unit of the estimate. A bound is None if the data don't give one yet."""

    estimate: float
    low: float | None
    high: float | None

    def is_below(self, value: float) -> bool:
        """Return True if it is certain that the truth is below a value."""
        return self.high is not None and self.high < value

    def is_above(self, value: float) -> bool:
        """Return True if it is certain that the truth is above a value."""
        return self.low is not None and self.low > value

    def in_percent(self) -> str:
        """Describe the bounds of a lift for people: `between +1.20% and +8.00%`."""
        match self.low, self.high:
            case None, None:
                return "not known yet"
            case low, None:
                return f"at least {low:+.2%}"
            case None, high:
                return f"at most {high:+.2%}"
            case low, high:
                return f"between {low:+.2%} and {high:+.2%}"


def difference(control: Arm, treatment: Arm, alpha: float, planned: int = PLANNED) -> Interval:
    """Return the mean of the treatment minus that of the control, in the unit of the values.

    `alpha` is the probability that the interval misses the truth at any look: 0.05 for 95 % confidence. `planned` is the number of users
    in both arms at which the interval is narrowest. Both arms need two users.
    """
    half = math.sqrt(_squared_radius(control, treatment, alpha, planned) * (1 / control.n + 1 / treatment.n))
    estimate = treatment.mean - control.mean
    return Interval(estimate, estimate - half, estimate + half)


def lift(control: Arm, treatment: Arm, alpha: float, planned: int = PLANNED) -> Interval | None:
    """Return the lift of the treatment over the control: 0.1 is 10 % more.

    The interval holds every lift L for which `treatment - (1 + L) * control` may be zero (Fieller's theorem). The delta method would
    divide by an uncertain mean, and find harm where there is none. A bound is None until the control's mean is clear of zero.

    There is no lift if the control's mean isn't above zero, or if the means differ though no value varies, so that chance can't be judged.
    """
    if control.mean <= 0 or (control.variance == treatment.variance == 0 and control.mean != treatment.mean):
        return None
    ratio, spread = treatment.mean / control.mean, _squared_radius(control, treatment, alpha, planned) / control.mean / control.mean
    if not math.isfinite(ratio * ratio + spread):
        return None
    low, high = _ratios(ratio, spread / control.n, spread / treatment.n)
    return Interval(ratio - 1, None if low is None else low - 1, None if high is None else high - 1)


def _squared_radius(control: Arm, treatment: Arm, alpha: float, planned: int) -> float:
    """Return the variance of one value, times the squared number of standard errors that the interval is wide to each side.

    The larger variance counts for both arms: a small arm that has seen no rare event yet would otherwise seem to be certain.
    """
    users = 4 / (1 / control.n + 1 / treatment.n)  # two equal arms of as many users in total know as much
    rho_squared = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / planned
    growth = users * rho_squared + 1
    return max(control.variance, treatment.variance) * 2 * growth / (growth - 1) * math.log(math.sqrt(growth) / alpha)


def _ratios(ratio: float, control: float, treatment: float) -> tuple[float | None, float | None]:
    """Return the bounds of all r with `(ratio - r)² <= treatment + r² * control`, for a ratio whose sign is known or irrelevant."""
    a, c = 1 - control, ratio * ratio - treatment
    root = math.sqrt(max(0.0, ratio * ratio - a * c))
    if a > 0:
        return (ratio - root) / a, (ratio + root) / a
    if c <= 0:
        return None, None
    bound = c / (ratio + math.copysign(root, ratio))  # the root with the sign of the ratio
    return (bound, None) if ratio > 0 else (None, bound)
