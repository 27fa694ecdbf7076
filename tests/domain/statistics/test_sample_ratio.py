"""A split that isn't as planned is found, at a decision and at any look. An honest split is hardly ever suspected."""

import itertools

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare

from domain.statistics.sample_ratio import ALPHA, Counts, at_a_decision, at_any_look, chi_squared_tail


def counts(*users: int) -> list[Counts]:
    return [Counts(each, 1) for each in users]


@pytest.mark.parametrize("degrees", range(1, 21))
def test_the_tail_of_chi_squared_is_that_of_scipy(degrees: int) -> None:
    for statistic in (0.0, 1e-9, 0.1, 1.0, 3.84, 10.83, 50.0, 500.0):
        assert chi_squared_tail(statistic, degrees) == pytest.approx(float(chi2.sf(statistic, degrees)), rel=1e-12)


@given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0.01, 1)), min_size=2, max_size=6))
def test_the_test_at_a_decision_is_that_of_scipy(arms: list[tuple[int, float]]) -> None:
    users, shares = zip(*arms, strict=True)
    expected = numpy.array(shares) / sum(shares) * sum(users)

    assert at_a_decision([Counts(*arm) for arm in arms]) == pytest.approx(
        float(chisquare(users, expected, sum_check=False).pvalue), rel=1e-6, abs=1e-300
    )


def test_48_to_52_of_20_000_users_is_found() -> None:
    assert at_a_decision(counts(9_600, 10_400)) < ALPHA
    assert at_any_look(counts(9_600, 10_400)) < ALPHA


def test_an_arm_that_gets_nobody_is_found_within_thirty_users() -> None:
    assert at_any_look(counts(0, 30)) < ALPHA


def test_a_split_that_is_not_even_may_be_planned() -> None:
    planned = [Counts(9_010, 90), Counts(490, 5), Counts(500, 5)]
    shifted = [Counts(8_700, 90), Counts(800, 5), Counts(500, 5)]

    assert min(at_a_decision(planned), at_any_look(planned)) > 0.5
    assert max(at_a_decision(shifted), at_any_look(shifted)) < ALPHA


def test_nobody_is_split_as_planned() -> None:
    assert at_a_decision(counts(0, 0)) == at_any_look(counts(0, 0)) == 1


def test_the_order_and_the_unit_of_the_shares_don_t_matter() -> None:
    arms = [Counts(300, 0.25), Counts(420, 0.25), Counts(700, 0.5)]

    for each in itertools.permutations(Counts(arm.users, arm.share * 40) for arm in arms):
        assert at_any_look(each) == pytest.approx(at_any_look(arms))
        assert at_a_decision(each) == pytest.approx(at_a_decision(arms))


def test_a_billion_users_are_counted() -> None:
    assert at_any_look(counts(10**9, 10**9)) == 1
    assert at_any_look(counts(10**9, 10**9 + 10**6)) < ALPHA


@pytest.mark.parametrize("arms", [[], counts(5), [Counts(5, 1), Counts(5, 0)], [Counts(5, 1), Counts(5, -1)]])
def test_a_split_needs_two_arms_with_shares(arms: list[Counts]) -> None:
    for check in (at_a_decision, at_any_look):
        with pytest.raises(ValueError, match="needs two arms"):
            check(arms)


def test_an_honest_split_is_hardly_ever_suspected_however_often_one_looks() -> None:
    random, runs = numpy.random.default_rng(1), 1_000
    suspected = 0
    for _ in range(runs):
        first = random.binomial(50, 0.5, 100).cumsum()
        suspected += any(at_any_look(counts(int(n), 50 * look - int(n))) < ALPHA for look, n in enumerate(first, start=1))

    assert suspected / runs <= 0.002  # one or two of these runs; the benchmark has enough to see the bound itself


def test_a_wrong_split_is_found_by_looking() -> None:
    random, runs = numpy.random.default_rng(1), 200
    found = 0
    for _ in range(runs):
        first = random.binomial(1_000, 0.48, 20).cumsum()
        found += any(at_any_look(counts(int(n), 1_000 * look - int(n))) < ALPHA for look, n in enumerate(first, start=1))

    assert found / runs > 0.85
