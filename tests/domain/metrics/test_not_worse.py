"""A group is compared with those who don't get the change: worse is proven, or it isn't, or nothing can be said."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.metrics.condition import Condition, NotWorse, Outcome, Threshold
from domain.metrics.sample import Group, Sample, Unknown
from tests.world import NOW

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def conversions(name: str, n: int, successes: float) -> Group:
    mean = successes / n
    return Group(name=name, n=n, mean=mean, variance=mean * (1 - mean) * n / (n - 1))


def sample(*groups: Group) -> Sample:
    return Sample(at=NOW, groups=groups)


def compared(control: tuple[int, int], treatment: tuple[int, int]) -> Sample:
    return sample(conversions("control", *control), conversions("treatment", *treatment))


def not_worse(**fields: Any) -> NotWorse:
    return NotWorse.model_validate({"margin": 0.05, "better": "higher"} | fields)


@pytest.mark.parametrize(
    ("better", "control", "treatment", "outcome"),
    [
        ("higher", (10_000, 1_000), (10_000, 700), Outcome.FAIL),
        ("higher", (10_000, 1_000), (10_000, 940), Outcome.PASS),
        ("higher", (10_000, 1_000), (10_000, 1_400), Outcome.PASS),
        ("lower", (10_000, 1_000), (10_000, 1_400), Outcome.FAIL),
        ("lower", (10_000, 1_000), (10_000, 1_060), Outcome.PASS),
        ("lower", (10_000, 1_000), (10_000, 700), Outcome.PASS),
    ],
)
def test_only_a_proven_harm_beyond_the_margin_fails(
    better: str, control: tuple[int, int], treatment: tuple[int, int], outcome: Outcome
) -> None:
    assert not_worse(better=better).judge(compared(control, treatment)).outcome is outcome


def test_a_wider_margin_accepts_a_harm_that_is_proven() -> None:
    harmed = compared((100_000, 10_000), (100_000, 8_800))

    assert not_worse(margin=0.05).judge(harmed).outcome is Outcome.FAIL
    assert not_worse(margin=0.12).judge(harmed).outcome is Outcome.PASS


def test_a_lower_confidence_fails_earlier() -> None:
    harmed = compared((1_000, 200), (1_000, 145))

    assert [not_worse(confidence=each).judge(harmed).outcome for each in (0.95, 0.5)] == [Outcome.PASS, Outcome.FAIL]


def test_the_verdict_has_the_numbers_in_a_sentence() -> None:
    verdict = not_worse().judge(compared((10_000, 1_000), (10_000, 700)))

    assert verdict.value == pytest.approx(-0.3)
    assert verdict.message == (
        "The mean is 0.07 in 'treatment' (10,000 users) and 0.1 in 'control' (10,000 users). "
        "The difference is -30.00%, with 95% confidence between -40.90% and -17.86%. It is worse than the margin allows: 5% lower."
    )


def test_a_pass_says_that_it_is_no_proof() -> None:
    message = not_worse(better="lower").judge(compared((1_000, 2), (1_000, 4))).message

    assert message.endswith("with 95% confidence not known yet. It isn't proven to be worse than the margin allows: 5% higher.")


def test_an_outage_for_a_small_group_fails_though_none_of_its_values_vary() -> None:
    assert not_worse().judge(compared((20_000, 4_000), (400, 0))).outcome is Outcome.FAIL


def test_a_small_group_that_had_no_rare_event_yet_passes() -> None:
    assert not_worse().judge(compared((1_000_000, 10_000), (100, 0))).outcome is Outcome.PASS


def test_many_errors_fail_though_those_without_the_change_have_almost_none() -> None:
    verdict = not_worse(better="lower").judge(compared((10_000, 5), (10_000, 1_000)))

    assert verdict.outcome is Outcome.FAIL
    assert "at least +" in verdict.message


def test_groups_without_variance_pass_only_if_they_are_equal() -> None:
    assert not_worse().judge(compared((500, 500), (500, 500))).outcome is Outcome.PASS
    assert not_worse().judge(compared((500, 500), (500, 0))).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((), "The metric has no group 'control'."),
        ((conversions("control", 500, 50),), "The metric has no group 'treatment'."),
        ((conversions("control", 500, 50), conversions("Treatment", 500, 50)), "The metric has no group 'treatment'."),
        (
            (conversions("control", 500, 50), *[conversions("treatment", 500, 50)] * 2),
            "The metric has 2 rows for the group 'treatment', and should have one.",
        ),
        (
            (conversions("control", 500, 50), conversions("treatment", 99, 9)),
            "The group 'treatment' has 99 users, and needs 100.",
        ),
        (
            (conversions("control", 99, 9), conversions("treatment", 500, 50)),
            "The group 'control' has 99 users, and needs 100.",
        ),
        (
            (conversions("control", 500, 0), conversions("treatment", 500, 50)),
            "The mean is 0.1 in 'treatment' (500 users) and 0 in 'control' (500 users). "
            "No difference is relative to a mean of zero or less.",
        ),
        (
            (Group(name="control", n=500, mean=-2, variance=1), Group(name="treatment", n=500, mean=-3, variance=1)),
            "The mean is -3 in 'treatment' (500 users) and -2 in 'control' (500 users). "
            "No difference is relative to a mean of zero or less.",
        ),
        (
            (Group(name="control", n=500, mean=2, variance=-1), conversions("treatment", 500, 50)),
            "The mean or the variance of 'control' is not a usable number.",
        ),
        (
            (Group(name="control", n=500, mean=2, variance=1), Group(name="treatment", n=500, mean=float("nan"), variance=1)),
            "The mean or the variance of 'treatment' is not a usable number.",
        ),
    ],
)
def test_groups_that_can_t_be_compared_are_unknown(groups: tuple[Group, ...], message: str) -> None:
    verdict = not_worse().judge(sample(*groups))

    assert verdict == (Outcome.UNKNOWN, None, message)


def test_an_unknown_sample_is_unknown() -> None:
    unknown = Sample(at=NOW, unknown=Unknown(code="source_down", message="The source can't be reached."))

    assert not_worse().judge(unknown) == (Outcome.UNKNOWN, None, "The source can't be reached.")


def test_groups_may_have_other_names() -> None:
    groups = sample(conversions("old", 10_000, 1_000), conversions("new", 10_000, 600), conversions("control", 10_000, 1))

    assert not_worse(group="new", than="old").judge(groups).outcome is Outcome.FAIL
    assert not_worse(group="new", than="old").in_words() == "new at most 5% lower than old"


@pytest.mark.parametrize(
    "fields",
    [
        {"margin": -0.1},
        {"margin": 1},
        {"margin": float("inf")},
        {"margin": "0.05"},
        {"better": "up"},
        {"confidence": 0.4},
        {"confidence": 1},
        {"minimum": 1},
        {"group": "control"},
        {"group": ""},
        {"unit": "users"},
    ],
)
def test_comparisons_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        not_worse(**fields)


def test_a_margin_above_all_is_possible_if_lower_is_better() -> None:
    assert not_worse(better="lower", margin=2).in_words() == "treatment at most 200% higher than control"


def test_conditions_are_told_apart_by_their_type() -> None:
    assert isinstance(CONDITION.validate_python({"type": "NOT_WORSE", "margin": 0.05, "better": "lower"}), NotWorse)
    assert isinstance(CONDITION.validate_python({"type": "THRESHOLD", "at_most": 1}), Threshold)
