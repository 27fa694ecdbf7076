"""Intervals agree with GrowthBook's, are right for unequal groups, and don't find differences where there are none."""

import math

import numpy
import pytest
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, SampleMeanStatistic
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.statistics.confidence_sequence import PLANNED, Arm, Interval, difference, lift

ALPHAS = (0.1, 0.05, 0.01)
RUNS = 400


def conversions(n: int, successes: int) -> Arm:
    mean = successes / n
    return Arm(n, mean, mean * (1 - mean) * n / (n - 1))


def growthbook(control: Arm, treatment: Arm, alpha: float, kind: str) -> list[float]:
    """Return the interval of GrowthBook for the same data, with its tuning in users of two equal arms."""
    first, second = (
        SampleMeanStatistic(arm.n, arm.n * arm.mean, arm.variance * (arm.n - 1) + arm.n * arm.mean**2) for arm in (control, treatment)
    )
    equal = 4 / (1 / control.n + 1 / treatment.n)
    tuning = PLANNED * (control.n + treatment.n) / equal
    config = SequentialConfig(difference_type=kind, alpha=alpha, sequential_tuning_parameter=tuning)
    return [float(bound) for bound in SequentialTwoSidedTTest(first, second, config).confidence_interval]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("control", "treatment"), [(100, 100), (5_000, 5_000), (40_000, 40_000), (9_500, 500), (100, 90_000)])
def test_a_difference_is_that_of_growthbook_if_the_variances_are_equal(control: int, treatment: int, alpha: float) -> None:
    ours = difference(Arm(control, 20, 9), Arm(treatment, 20.4, 9), alpha)

    assert [ours.low, ours.high] == pytest.approx(growthbook(Arm(control, 20, 9), Arm(treatment, 20.4, 9), alpha, "absolute"), rel=1e-9)


def test_the_tuning_of_growthbook_is_ours_without_any_conversion_if_the_arms_are_equal() -> None:
    statistics = ProportionStatistic(5_000, 500), ProportionStatistic(5_000, 500)

    found = SequentialTwoSidedTTest(*statistics, SequentialConfig(difference_type="absolute")).confidence_interval
    ours = difference(Arm(5_000, 0.1, 0.09), Arm(5_000, 0.1, 0.09), 0.05)

    assert [ours.low, ours.high] == pytest.approx([float(bound) for bound in found], rel=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("ratio", [1, 0.98, 1.05])
def test_a_lift_converges_to_that_of_growthbook(ratio: float, alpha: float) -> None:
    control, treatment = Arm(4_000_000, 20, 9), Arm(4_000_000, 20 * ratio, 9)

    ours = lift(control, treatment, alpha)

    assert ours is not None
    assert ours.estimate == pytest.approx(ratio - 1)
    assert [ours.low, ours.high] == pytest.approx(growthbook(control, treatment, alpha, "relative"), abs=1e-5)


def test_an_interval_is_never_narrower_than_that_of_growthbook() -> None:
    for control, treatment in ((9, 12), (9, 3), (1, 40)):
        first, second = Arm(900, 20, control), Arm(300, 20.4, treatment)
        low, high = growthbook(first, second, 0.05, "absolute")
        ours = difference(first, second, 0.05)
        assert ours.low is not None
        assert ours.high is not None
        assert ours.low <= low + 1e-12
        assert ours.high >= high - 1e-12


def test_an_interval_is_narrowest_at_the_planned_sample() -> None:
    arm = Arm(10_000, 1, 1)

    def width(planned: int) -> float:
        found = difference(arm, arm, 0.05, planned)
        assert found.high is not None
        return found.high - found.estimate

    assert min((1_000, 5_000, 10_000, 20_000, 40_000, 100_000), key=width) == 20_000


@given(st.integers(2, 10**6), st.integers(2, 10**6), st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0, 100), st.sampled_from(ALPHAS))
def test_the_bounds_of_a_lift_are_those_at_which_the_difference_is_just_possible(
    control: int, treatment: int, mean: float, first: float, second: float, alpha: float
) -> None:
    arms = Arm(control, mean, first), Arm(treatment, mean * 1.3, second)

    found = lift(*arms, alpha)

    assert found is not None
    reach = difference(Arm(control, 0, first), Arm(treatment, 0, second), alpha).high
    assert reach is not None
    squared = reach**2 / (1 / control + 1 / treatment)
    for bound in (found.low, found.high):
        if bound is not None and abs(bound) < 1e3:
            gap = mean * 1.3 - (1 + bound) * mean
            assert abs(gap) == pytest.approx(math.sqrt(squared * (1 / treatment + (1 + bound) ** 2 / control)), rel=1e-6, abs=1e-6)


def test_a_lift_needs_a_control_above_zero() -> None:
    assert lift(Arm(1_000, 0, 0), conversions(1_000, 10), 0.05) is None
    assert lift(Arm(1_000, -1, 4), Arm(1_000, 1, 4), 0.05) is None
    assert lift(Arm(1_000, 1e-300, 1), Arm(1_000, 1, 1), 0.05) is None


def test_arms_that_differ_without_any_variance_have_no_lift() -> None:
    assert lift(conversions(500, 500), conversions(500, 0), 0.05) is None


def test_a_lift_has_no_upper_bound_while_the_control_may_be_zero() -> None:
    errors = lift(conversions(10_000, 5), conversions(10_000, 1_000), 0.05)
    few = lift(conversions(100, 1), conversions(100, 2), 0.05)
    losses = lift(Arm(100, 0.1, 9), Arm(100, -5, 9), 0.05)

    assert errors is not None
    assert errors.low is not None
    assert errors.low > 1
    assert errors.high is None
    assert few is not None
    assert (few.low, few.high) == (None, None)
    assert losses is not None
    assert losses.low is None
    assert losses.high is not None
    assert losses.high < -1


def test_equal_arms_without_variance_don_t_differ() -> None:
    assert lift(conversions(500, 500), conversions(800, 800), 0.05) == Interval(0, 0, 0)


def found_anywhere(rate: float, users: NDArray[numpy.int64], times: int, seed: int) -> float:
    """Return how often some look finds a lift that isn't there. The control has that many times the users of the treatment."""
    random, wrong = numpy.random.default_rng(seed), 0
    steps = numpy.diff(users, prepend=0)
    for _ in range(RUNS):
        control, treatment = (random.binomial(steps * size, rate).cumsum() for size in (times, 1))
        looks = (
            lift(conversions(int(n) * times, int(a)), conversions(int(n), int(b)), 0.05)
            for n, a, b in zip(users, control, treatment, strict=True)
        )
        wrong += any(look and ((look.low or 0) > 0 or (look.high or 0) < 0) for look in looks)
    return wrong / RUNS


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("times", [1, 99])
def test_looking_often_finds_no_lift_that_is_not_there(rate: float, times: int) -> None:
    assert found_anywhere(rate, numpy.arange(100, 4_001, 100), times, seed=1) <= 0.05
