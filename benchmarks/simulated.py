"""Simulated users, and the usual methods in numpy, with which the product's own are compared."""

import zlib
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

Random = numpy.random.Generator
Numbers = NDArray[numpy.float64]
Users = NDArray[numpy.int64]
SIGMA = 1.5
"""Of the logarithm. A few users then spend a hundred times as much as most, as in a shop."""


class Numeric(NamedTuple):
    """The numbers of an arm at all looks: users, mean and sample variance."""

    n: Numbers
    mean: Numbers
    variance: Numbers


def random_from(seed: int, name: str) -> Random:
    """Return a generator for one kind of experiment, whatever else is simulated."""
    return numpy.random.default_rng([seed, zlib.crc32(name.encode())])


def expected(every: int, most: int) -> Users:
    """Return the users of an arm at all looks."""
    return numpy.arange(every, most + 1, every)


def conversions(random: Random, users: Users, rate: float) -> Numeric:
    """Simulate an arm in which each user converts with a probability."""
    successes = random.binomial(numpy.diff(users, prepend=0), rate).cumsum()
    return _summed(users, successes, successes)


def log_normal(random: Random, users: Users) -> Numeric:
    """Simulate an arm in which each user spends a very uneven amount."""
    values = random.lognormal(0, SIGMA, int(users[-1]))
    return _summed(users, values.cumsum()[users - 1], (values**2).cumsum()[users - 1])


def _summed(users: Users, sums: NDArray[numpy.generic], squares: NDArray[numpy.generic]) -> Numeric:
    n, total = users.astype(float), sums.astype(float)
    return Numeric(n, total / n, (squares.astype(float) - total**2 / n) / (n - 1))


def peeking(control: Numeric, treatment: Numeric) -> NDArray[numpy.bool_]:
    """Return at which looks an ordinary z-test at 5% finds a difference."""
    return _beyond(control, treatment, 1.959964**2)


def welch(control: Numeric, treatment: Numeric, planned: int) -> NDArray[numpy.bool_]:
    """Return at which looks a confidence sequence with the variance of each arm finds a difference, as the one of `gbstats` does."""
    return _beyond(control, treatment, _squared_radius(control.n + treatment.n, planned)) & _vary(control, treatment)


def delta_method(control: Numeric, treatment: Numeric, planned: int) -> NDArray[numpy.bool_]:
    """Return at which looks a confidence sequence by the delta method finds a lift, as the one of `gbstats` does."""
    with numpy.errstate(divide="ignore", invalid="ignore"):
        ratio = treatment.mean / control.mean
        variance = (treatment.variance / treatment.n + ratio**2 * control.variance / control.n) / control.mean**2
        found: NDArray[numpy.bool_] = (ratio - 1) ** 2 > _squared_radius(control.n + treatment.n, planned) * variance
    return found & (control.mean > 0) & _vary(control, treatment)


def _vary(control: Numeric, treatment: Numeric) -> NDArray[numpy.bool_]:
    """Return at which looks values vary in both arms. Without that, `gbstats` finds nothing."""
    vary: NDArray[numpy.bool_] = (control.variance > 0) & (treatment.variance > 0)
    return vary


def _beyond(control: Numeric, treatment: Numeric, squared_radius: Numbers | float) -> NDArray[numpy.bool_]:
    variance = control.variance / control.n + treatment.variance / treatment.n
    found: NDArray[numpy.bool_] = (treatment.mean - control.mean) ** 2 > squared_radius * variance
    return found


def _squared_radius(users: Numbers, planned: int) -> Numbers:
    growth = users * (-2 * numpy.log(0.05) + numpy.log(1 - 2 * numpy.log(0.05))) / planned + 1
    radius: Numbers = 2 * growth / (growth - 1) * numpy.log(numpy.sqrt(growth) / 0.05)
    return radius
