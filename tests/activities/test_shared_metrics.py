"""The same question at the same time is asked once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from activities.guarding.shared_metrics import SharedMetrics
from domain.metrics.metric import MetricQuestion
from domain.metrics.sample import Sample
from tests.scripted_metrics import ScriptedMetrics
from tests.world import NOW


def question(feature: str = "checkout", at: datetime = NOW) -> MetricQuestion:
    return MetricQuestion(project="shop", metric="error-rate", feature=feature, environment="production", since=NOW, at=at)


class SlowMetrics(ScriptedMetrics):
    """Metrics whose answers wait until the test lets them go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def sample(self, question: MetricQuestion) -> Sample:
        found = super().sample(question)
        assert self.let_go.wait(30)
        return found


def test_many_that_ask_the_same_at_once_ask_once() -> None:
    metrics = SlowMetrics()
    metrics.values["error-rate"] = 0.5
    shared = SharedMetrics(metrics)

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(shared.sample, question()) for _ in range(8)]
        metrics.let_go.set()
        assert {answer.result().value for answer in answers} == {0.5}

    assert len(metrics.asked) == 1


@pytest.mark.parametrize("other", [question("banner"), question(at=NOW + timedelta(seconds=5)), question(at=NOW - timedelta(seconds=1))])
def test_another_question_or_time_is_asked_again(other: MetricQuestion) -> None:
    metrics = ScriptedMetrics()
    shared = SharedMetrics(metrics)

    shared.sample(question())
    shared.sample(other)

    assert len(metrics.asked) == 2


def test_failure_is_everybodys_and_is_not_kept_for_the_next_time() -> None:
    class BrokenMetrics(ScriptedMetrics):
        def sample(self, question: MetricQuestion) -> Sample:
            self.asked.append(question)
            raise RuntimeError("broken")

    metrics = BrokenMetrics()
    shared = SharedMetrics(metrics)
    for at in (NOW, NOW, NOW + timedelta(seconds=5)):
        with pytest.raises(RuntimeError, match="broken"):
            shared.sample(question(at=at))

    assert len(metrics.asked) == 2
