"""Changes of guarded stages: none is made without a fresh sample that passes."""

import threading
from datetime import timedelta

import pytest

from activities.messages import HeldBack, HoldEnded, Made, Recorded, Standing
from domain.metrics.check import CheckAnswer
from domain.metrics.condition import Outcome
from domain.metrics.metric import MetricQuestion
from domain.metrics.sample import Sample, Unknown
from domain.releases.status import ReleaseStatus
from tests.activities.acting import change, command_for, record
from tests.activities.guarding import BAD, GOOD, errors, guarded_command, later, look, observed, passing_for, release_in_force
from tests.scripted_metrics import ScriptedMetrics
from tests.waiting import CEILING
from tests.world import World

DUE = 3600.0
DOWN = Unknown(code="source_down", message="Prometheus can't be reached.")


@pytest.fixture
def metrics() -> ScriptedMetrics:
    return ScriptedMetrics()


def test_stage_acts_if_its_guardrail_passes_now(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors())
    metrics.values["error-rate"] = GOOD

    assert isinstance(change(world, guarded_command(world, release), later(DUE), metrics=metrics), Made)


@pytest.mark.parametrize("answer", [BAD, DOWN])
def test_stage_waits_while_its_guardrail_fails_or_cannot_tell(world: World, metrics: ScriptedMetrics, answer: float | Unknown) -> None:
    release = release_in_force(world, errors(failures=3))
    metrics.values["error-rate"] = answer

    held = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert held.held.code == "guardrail"
    assert held.held.until is None
    assert ("The value is 0.2" if answer == BAD else "Prometheus can't be reached.") in held.held.message
    assert world.release(release.id).held == held.held


@pytest.mark.parametrize("more", [{"on_breach": "notify"}, {"shadow": True}])
def test_guardrail_that_only_tells_people_holds_nothing(world: World, metrics: ScriptedMetrics, more: dict[str, object]) -> None:
    release = release_in_force(world, errors(**more))
    metrics.values["error-rate"] = BAD

    assert isinstance(change(world, guarded_command(world, release), later(DUE), metrics=metrics), Made)


def test_failure_that_completes_a_row_is_a_breach_instead_of_a_change(world: World, metrics: ScriptedMetrics) -> None:
    before = world.flag("production")
    release = release_in_force(world, errors(failures=2))
    metrics.values["error-rate"] = BAD
    look(world, release, metrics, later(DUE - 30))

    answer = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(answer, Standing)
    assert (answer.finished, answer.status) == (True, ReleaseStatus.ROLLED_BACK)
    assert world.flag("production") == before


def test_worker_that_was_down_for_the_whole_soak_learns_of_the_harm_first(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(failures=2))
    metrics.values["error-rate"] = GOOD
    metrics.missed["error-rate"] = [(later(600), GOOD), (later(630), BAD), (later(660), BAD), (later(690), BAD)]

    answer = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(answer, HeldBack | Standing)
    assert not world.flag("production").enabled


def test_metric_gate_holds_the_stage_until_the_metric_has_passed_long_enough(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, gates=(passing_for("10m"),))
    metrics.values["error-rate"] = BAD
    look(world, release, metrics, later(DUE - 30))
    metrics.values["error-rate"] = GOOD

    held = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert (held.held.code, held.held.until) == ("metric", later(DUE + 600))
    for seconds in range(30, 600, 30):
        look(world, release, metrics, later(DUE + seconds))
    assert isinstance(change(world, guarded_command(world, release), later(DUE + 600), metrics=metrics), Made)


def test_metric_gate_without_samples_in_between_starts_anew(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, gates=(passing_for("10m"),))
    metrics.values["error-rate"] = GOOD
    look(world, release, metrics, later(30))

    held = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert held.held.until == later(DUE + 600)


@pytest.mark.parametrize("answer", [BAD, DOWN])
def test_metric_gate_that_fails_or_cannot_tell_holds(world: World, metrics: ScriptedMetrics, answer: float | Unknown) -> None:
    release = release_in_force(world, gates=(passing_for("0s"),))
    metrics.values["error-rate"] = answer

    held = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert held.held.code == "metric"
    metrics.values["error-rate"] = GOOD
    assert isinstance(change(world, guarded_command(world, release), later(DUE + 30), metrics=metrics), Made)


def test_check_holds_with_its_own_words_until_the_time_that_it_names(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, gates=({"type": "CHECK", "source": "deploys", "path": "/ready"},))
    busy = CheckAnswer(outcome=Outcome.FAIL, message="A deployment is running.", until=later(DUE + 300))
    metrics.checks["deploys"] = busy

    held = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert (held.held.code, held.held.until) == ("check", busy.until)
    assert "A deployment is running." in held.held.message
    metrics.checks["deploys"] = CheckAnswer(outcome=Outcome.PASS, message="Ready.")
    assert isinstance(change(world, guarded_command(world, release), later(DUE + 300), metrics=metrics), Made)


def test_check_that_cannot_be_asked_holds(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, gates=({"type": "CHECK", "source": "deploys", "path": "/ready"},))

    held = change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert (held.held.code, held.held.until) == ("check", None)


def test_guarded_hold_does_not_end_while_its_guardrail_fails(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(stages=["Watch"], failures=5))
    change(world, guarded_command(world, release), later(DUE))
    release = world.release(release.id)
    command = guarded_command(world, release)
    end = HoldEnded(entered_at=command.entered_at, acts_at=command.acts_at, guardrails=command.guardrails)
    metrics.values["error-rate"] = BAD

    held = record(world, release, end, later(3 * 86400), metrics=metrics)

    assert isinstance(held, HeldBack)
    assert held.held.code == "guardrail"
    metrics.values["error-rate"] = GOOD
    assert isinstance(record(world, release, end, later(3 * 86400 + 30), metrics=metrics), Recorded)
    assert world.release(release.id).status is ReleaseStatus.COMPLETED


def test_samples_are_about_the_flag_its_environment_and_the_time_since_it_entered(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world, errors(environment="staging"), gates=(passing_for("0s"),))
    metrics.values["error-rate"] = GOOD

    change(world, guarded_command(world, release), later(DUE), metrics=metrics)

    asked = [(each.feature, each.environment, each.at - later(DUE)) for each in metrics.asked]
    assert asked == [("checkout", "staging", timedelta(0)), ("checkout", "production", timedelta(0))]


def test_questions_of_one_stage_are_asked_at_the_same_time(world: World) -> None:
    names = [f"Errors {number}" for number in range(10)]
    everyone_asked = threading.Barrier(len(names), timeout=CEILING)

    class Meeting(ScriptedMetrics):
        def sample(self, question: MetricQuestion) -> Sample:
            everyone_asked.wait()
            return super().sample(question)

    metrics = Meeting()
    metrics.values["error-rate"] = GOOD
    release = release_in_force(world, *(errors(name=name) for name in names))

    assert isinstance(change(world, guarded_command(world, release), later(DUE), metrics=metrics), Made)


def test_stage_without_guardrails_asks_nothing(world: World, metrics: ScriptedMetrics) -> None:
    release = release_in_force(world)

    assert isinstance(change(world, command_for(world, release), later(DUE), metrics=metrics), Made)
    assert metrics.asked == []
    assert observed(world, release) == {}
