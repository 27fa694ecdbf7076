"""When a stage acts."""

from datetime import timedelta

import pytest

from domain.pipeline import Definition
from domain.schedule import due_at, planned
from domain.trigger import trigger_in_words, waits
from tests.pipelines import hold, pipeline, stage
from tests.world import NOW

STAGES = Definition.model_validate(
    pipeline(stage("A"), stage("B", wait="24h"), hold("C", "P2D"), stage("D", "staging"), stage("E", "staging", "1h"))
).stages
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("index", "after", "words"),
    [(0, timedelta(0), "at once"), (1, 24 * HOUR, "after 1 d"), (2, 48 * HOUR, "after 2 d"), (4, HOUR, "after 1 h")],
)
def test_a_stage_is_due_when_its_trigger_says(index: int, after: timedelta, words: str) -> None:
    trigger = STAGES[index].trigger

    assert due_at(trigger, NOW) == NOW + after
    assert trigger_in_words(trigger) == words
    assert waits(trigger) == (after > timedelta(0))


def test_the_plan_counts_every_wait_from_the_change_before_it() -> None:
    assert planned(STAGES, 0, NOW) == {0: NOW, 1: NOW + 24 * HOUR, 2: NOW + 72 * HOUR, 3: NOW + 72 * HOUR, 4: NOW + 73 * HOUR}
    assert planned(STAGES, 3, NOW) == {3: NOW, 4: NOW + HOUR}
    assert planned(STAGES, 4, NOW) == {4: NOW}
