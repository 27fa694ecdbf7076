"""Checks that users are split among the arms as planned. If they aren't, the arms can't be compared."""

import math
from collections.abc import Sequence
from typing import NamedTuple

ALPHA = 0.001
"""The probability that a check finds fault with an honest split."""

CONCENTRATIONS = (2, 200)
"""The weights of the planned split in the two mixtures, in users. The first soon finds an empty arm, and the second a small shift."""


class Counts(NamedTuple):
    """The users in one arm so far, and the share of all users that the arm should have. Shares are weights, and needn't add up to 1."""

    users: int
    share: float


def at_a_decision(arms: Sequence[Counts]) -> float:
    """Return the p-value of Pearson's chi-squared test. It holds for one look, so use it once, when a decision is due.

    Raises `ValueError` for fewer than two arms, or a share that isn't above zero.
    """
    users, shares = _split(arms)
    total = sum(users)
    if total == 0:
        return 1.0
    expected = [total * share for share in shares]
    statistic = sum((seen - planned) ** 2 / planned for seen, planned in zip(users, expected, strict=True))
    return chi_squared_tail(statistic, len(arms) - 1)


def at_any_look(arms: Sequence[Counts]) -> float:
    """Return a p-value that may be looked at again and again. The smallest of all looks counts.

    It is the inverse Bayes factor of Dirichlet mixtures around the planned split (Lindon and Malek, "Anytime-valid inference for
    multinomial count data", NeurIPS 2022). Raises `ValueError` as `at_a_decision` does.
    """
    users, shares = _split(arms)
    factors = [_log_bayes_factor(users, shares, weight) for weight in CONCENTRATIONS]
    most = max(factors)
    mean = most + math.log(math.fsum(math.exp(factor - most) for factor in factors) / len(factors))
    return math.exp(min(0.0, -mean))


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """Return the probability that chi-squared with this many degrees of freedom is at least the statistic.

    The sum is finite and exact: Abramowitz and Stegun 26.4.4 for odd degrees, 26.4.5 for even ones.
    """
    half = statistic / 2
    if half <= 0:
        return 1.0
    is_odd = degrees % 2 == 1
    tail = math.erfc(math.sqrt(half)) if is_odd else 0.0
    powers = (step + (0.5 if is_odd else 0.0) for step in range(degrees // 2))
    return min(1.0, tail + sum(math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers))


def _log_bayes_factor(users: list[int], shares: list[float], concentration: float) -> float:
    """Return the logarithm of how much better the mixture explains the counts than the planned split does."""
    factor = math.lgamma(concentration) - math.lgamma(concentration + sum(users))
    for seen, share in zip(users, shares, strict=True):
        factor += math.lgamma(concentration * share + seen) - math.lgamma(concentration * share) - seen * math.log(share)
    return factor


def _split(arms: Sequence[Counts]) -> tuple[list[int], list[float]]:
    """Return the users of each arm, and the shares scaled to add up to 1."""
    if len(arms) < 2 or any(arm.share <= 0 for arm in arms):
        raise ValueError("needs two arms or more, each with a share above zero")
    whole = math.fsum(arm.share for arm in arms)
    return [arm.users for arm in arms], [arm.share / whole for arm in arms]
