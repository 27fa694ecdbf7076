"""The gate of an experiment: its times, and gates that make no sense."""

from datetime import timedelta
from typing import Any

import pytest

from domain.pipelines.experiment import ExperimentGate

DAY = timedelta(days=1)


def gate(**fields: Any) -> ExperimentGate:
    return ExperimentGate.model_validate({"type": "EXPERIMENT", "metric": "conversion", "variants": ["blue"], "longest": "28d"} | fields)


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({}, 7),
        ({"shortest": "14d"}, 14),
        ({"shortest": "10d"}, 14),
        ({"shortest": "0s"}, 7),
        ({"shortest": "0s", "decide_every": "1d"}, 1),
        ({"longest": "3d"}, 3),
        ({"longest": "3d", "decide_every": "1d"}, 3),
        ({"longest": "3d", "shortest": "1d", "decide_every": "1d"}, 1),
    ],
)
def test_first_decision_comes_after_the_minimum_duration_at_a_whole_period(fields: dict[str, Any], days: float) -> None:
    assert gate(**fields).earliest == days * DAY


def test_gate_that_was_stored_without_its_times_decides_after_whole_weeks() -> None:
    stored = {"type": "EXPERIMENT", "metric": "conversion", "variants": ["blue"], "longest": "P14D", "every": "PT10M"}

    read = ExperimentGate.model_validate(stored)

    assert (read.shortest, read.decide_every) == (7 * DAY, 7 * DAY)
    assert ExperimentGate.model_validate(read.model_dump(mode="json")) == read


@pytest.mark.parametrize(
    ("fields", "late"),
    [({}, timedelta(hours=6)), ({"every": "1d"}, DAY), ({"decide_every": "28m", "every": "10s", "longest": "2h"}, timedelta(minutes=1))],
)
def test_decision_may_come_a_little_late(fields: dict[str, Any], late: timedelta) -> None:
    design = gate(shortest="0s", **fields).design
    assert design.decide_every
    due = 2 * design.decide_every

    assert [design.decides_at(due + each) for each in (timedelta(0), late)] == [True, True]
    assert not design.decides_at(due + late + timedelta(seconds=1))


def test_every_look_may_decide_if_there_is_no_more_than_one_in_a_period() -> None:
    design = gate(shortest="0s", decide_every="10m", every="10m").design

    assert [design.decides_at(timedelta(minutes=each)) for each in (9, 10, 11, 19, 25)] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "decided every 7 d from 7 d to 28 d, else control"),
        ({"longest": "3d", "without_winner": "hold"}, "decided after 3 d, else hold"),
    ],
)
def test_gate_says_when_it_decides(fields: dict[str, Any], words: str) -> None:
    assert gate(**fields).in_words() == f"experiment on blue: higher conversion, {words}"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shortest": "29d"}, "shortest from zero to longest"),
        ({"decide_every": "0s"}, "greater than zero"),
        ({"longest": "0s"}, "greater than zero"),
        ({"every": "1s"}, "more than 5000 looks"),
        ({"shares": {"blue": 1}}, "shares for control and each variant"),
        ({"without_winner": "red"}, "control, hold or one of the variants"),
    ],
)
def test_gate_that_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gate(**fields)
