from datetime import timedelta

import pytest

from domain.metrics.condition import Outcome, Verdict
from domain.pipelines.guardrail import Guardrail
from domain.releases.observed import Observed, observed_after
from tests.world import NOW

EVERY = timedelta(seconds=30)
PASS = Verdict(Outcome.PASS, 0.001, "The value is 0.001, and should be at most 0.01.")
FAIL = Verdict(Outcome.FAIL, 0.2, "The value is 0.2, and should be at most 0.01.")
UNKNOWN = Verdict(Outcome.UNKNOWN, None, "The source has no data.")


def after(*verdicts: Verdict, gap: timedelta = EVERY) -> Observed:
    """Return the state after these samples, with that much time between them."""
    state: Observed | None = None
    for number, verdict in enumerate(verdicts):
        state = observed_after(state, NOW + gap * number, verdict, EVERY)
    assert state
    return state


def guardrail(**more: object) -> Guardrail:
    values = {"name": "Errors", "metric": "error-rate", "condition": {"type": "THRESHOLD", "at_most": 0.01}, "stages": ["Production"]}
    return Guardrail.model_validate(values | {"on_breach": "rollback", "failures": 2} | more)


def test_failures_count_in_a_row() -> None:
    assert after(FAIL).failures == 1
    assert after(FAIL, FAIL).failures == 2
    assert after(FAIL, PASS, FAIL).failures == 1


def test_unknown_sample_neither_adds_to_failures_nor_ends_their_row() -> None:
    assert after(FAIL, UNKNOWN).failures == 1
    assert after(FAIL, UNKNOWN, FAIL).failures == 2
    assert after(UNKNOWN, UNKNOWN).unknowns == 2


def test_failures_at_about_the_same_time_count_once() -> None:
    assert after(FAIL, FAIL, FAIL, gap=timedelta(seconds=7)).failures == 1
    assert after(FAIL, FAIL, FAIL, gap=timedelta(seconds=8)).failures == 2
    assert after(FAIL, PASS, FAIL, gap=timedelta(seconds=1)).failures == 1


def test_row_of_passes_begins_with_its_first_sample() -> None:
    state = after(FAIL, PASS, PASS, PASS)

    assert state.since == NOW + EVERY
    assert state.has_passed_for(EVERY * 2, state.at)
    assert not state.has_passed_for(EVERY * 3, state.at)


@pytest.mark.parametrize("broken_by", [FAIL, UNKNOWN])
def test_sample_that_does_not_pass_breaks_a_row_of_passes(broken_by: Verdict) -> None:
    state = after(PASS, PASS, broken_by, PASS)

    assert state.since == state.at


def test_time_without_samples_breaks_a_row_of_passes() -> None:
    state = after(PASS, PASS, PASS, gap=timedelta(minutes=10))

    assert state.since == state.at


def test_sample_is_fresh_for_a_minute() -> None:
    state = after(PASS)

    assert state.is_fresh(NOW + timedelta(seconds=60))
    assert not state.is_fresh(NOW + timedelta(seconds=61))


def test_breach_needs_enough_failures_in_a_row() -> None:
    assert not after(FAIL).breaches(guardrail())
    assert not after(FAIL, PASS, FAIL).breaches(guardrail())
    assert after(FAIL, FAIL).breaches(guardrail())


@pytest.mark.parametrize("then", [UNKNOWN, PASS])
def test_row_of_failures_that_nobody_saw_in_time_is_a_breach_too(then: Verdict) -> None:
    assert after(FAIL, FAIL, then).breaches(guardrail())


def test_failures_count_anew_after_a_breach() -> None:
    state = after(FAIL, FAIL).after_breach(NOW)

    assert not state.breaches(guardrail())
    state = observed_after(state, state.at + EVERY, FAIL, EVERY)
    assert not state.breaches(guardrail())
    assert observed_after(state, state.at + EVERY, FAIL, EVERY).breaches(guardrail())


@pytest.mark.parametrize("more", [{"on_breach": "notify"}, {"shadow": True}])
def test_guardrail_that_only_tells_people_tells_them_once_until_it_passes(more: dict[str, object]) -> None:
    state = after(FAIL, FAIL).after_breach(NOW)
    for _ in range(5):
        state = observed_after(state, state.at + EVERY, FAIL, EVERY)
    assert not state.breaches(guardrail(**more))

    for verdict in (PASS, FAIL, FAIL):
        state = observed_after(state, state.at + EVERY, verdict, EVERY)
    assert state.breaches(guardrail(**more))
