"""Curves of sampled metrics."""

from datetime import timedelta
from typing import Any

from api.dashboard.curves import HEIGHT, MARGIN, WIDTH, curve_of
from api.schemas.samples import SampleView, WatchView
from domain.metrics.condition import Outcome
from tests.world import NOW


def watch(*values: float | None, every: int = 30, **more: Any) -> WatchView:
    def outcome(value: float | None) -> Outcome:
        return Outcome.UNKNOWN if value is None else Outcome.FAIL if value > 1 else Outcome.PASS

    samples = [
        SampleView(at=NOW + timedelta(seconds=every * number), value=value, outcome=outcome(value)) for number, value in enumerate(values)
    ]
    usual: dict[str, Any] = {
        "visit": 2,
        "stage": "Everyone",
        "kind": "guardrail",
        "name": "Errors",
        "environment": "production",
        "rule": "",
        "shadow": False,
        "at_most": 1.0,
        "at_least": None,
        "outcome": Outcome.PASS,
        "message": "",
        "sampled_at": NOW,
        "since": NOW,
        "failures": 0,
        "breached_at": None,
        "samples": samples,
    }
    return WatchView(**(usual | more))


def test_line_goes_from_edge_to_edge_and_higher_values_are_higher_up() -> None:
    curve = curve_of(watch(0.0, 1.0, 2.0))
    assert curve

    (line,) = curve.lines
    points = [tuple(map(float, point.split(","))) for point in line.split()]
    assert points == [(MARGIN, HEIGHT - MARGIN), (WIDTH / 2, HEIGHT / 2), (WIDTH - MARGIN, MARGIN)]
    assert curve.bounds == [HEIGHT / 2]
    assert [(dot.x, dot.outcome) for dot in curve.dots] == [(WIDTH - MARGIN, Outcome.FAIL)]


def test_unknown_sample_interrupts_the_line() -> None:
    curve = curve_of(watch(0.1, 0.2, None, 0.3, 0.4))
    assert curve

    assert len(curve.lines) == 2
    assert [dot.outcome for dot in curve.dots] == [Outcome.UNKNOWN]
    assert curve.in_words == "Values from 0.1 to 0.4. Failed samples: 0. Samples that could not tell: 1."


def test_missing_samples_interrupt_the_line() -> None:
    whole = watch(0.1, 0.2, 0.3, 0.4, 0.5)
    late = [each.model_copy(update={"at": each.at + timedelta(hours=1)}) for each in whole.samples[3:]]
    curve = curve_of(whole.model_copy(update={"samples": [*whole.samples[:3], *late]}))
    assert curve

    assert [len(line.split()) for line in curve.lines] == [3, 2]


def test_sample_without_neighbours_is_a_dot() -> None:
    curve = curve_of(watch(None, 0.2, None, None, 3.0, None))
    assert curve

    assert curve.lines == []
    assert [dot.outcome for dot in curve.dots if dot.outcome is not Outcome.UNKNOWN] == [Outcome.PASS, Outcome.FAIL]
    assert curve.in_words == "Values from 0.2 to 3. Failed samples: 1. Samples that could not tell: 4."


def test_nothing_but_unknown_samples_has_no_values() -> None:
    curve = curve_of(watch(None, None))
    assert curve

    assert curve.in_words == "No values. Failed samples: 0. Samples that could not tell: 2."
    assert not curve.has_values


def test_constant_values_are_drawn_in_the_middle() -> None:
    curve = curve_of(watch(5.0, 5.0, at_most=None))
    assert curve

    assert {point.split(",")[1] for point in curve.lines[0].split()} == {"60.0"}


def test_nothing_is_drawn_for_one_sample_or_for_a_check() -> None:
    assert curve_of(watch(0.1)) is None
    assert curve_of(watch(0.1, 0.2, kind="check")) is None
