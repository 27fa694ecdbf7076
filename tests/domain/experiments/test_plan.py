"""Plans of experiments: users and weeks for a lift."""

from datetime import timedelta

import pytest

from domain.errors import Invalid
from domain.experiments.plan import plan_of

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("rate", "lift", "planned"), [(0.01, 0.1, 163_092), (0.1, 0.05, 57_760), (0.1, 0.1, 14_749), (0.5, 0.1, 1_562), (0.1, -0.05, 55_249)]
)
def test_planned_users_are_those_of_a_fixed_test(rate: float, lift: float, planned: int) -> None:
    assert plan_of(rate, lift, 100_000).planned == planned


@pytest.mark.parametrize(("users_per_day", "weeks"), [(1_000_000, 2), (16_503, 2), (16_502, 3), (4_000, 9)])
def test_longest_is_whole_weeks_for_twice_as_many_users(users_per_day: int, weeks: int) -> None:
    plan = plan_of(0.1, 0.05, users_per_day)

    assert (plan.shortest, plan.longest) == (2 * WEEK, weeks * WEEK)


def test_more_variants_and_more_confidence_need_more_users() -> None:
    usual = plan_of(0.1, 0.1, 10_000)

    assert plan_of(0.1, 0.1, 10_000, variants=3).planned > usual.planned
    assert plan_of(0.1, 0.1, 10_000, confidence=0.99).planned > usual.planned
    assert plan_of(0.1, 0.1, 10_000, variants=3).longest > usual.longest


@pytest.mark.parametrize(("rate", "lift", "users"), [(0, 0.1, 9), (1, 0.1, 9), (0.6, 0.7, 9), (0.1, 0, 9), (0.1, 0.1, 0), (0.01, 0.01, 50)])
def test_numbers_that_are_no_plan_are_refused(rate: float, lift: float, users: int) -> None:
    with pytest.raises(Invalid):
        plan_of(rate, lift, users)
