"""Pictures of an experiment's intervals over time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from api.dashboard.intervals import HEIGHT, MARGIN, MOST_DRAWN, WIDTH, IntervalPicture, pictures_of
from api.schemas.experiments import CurvePoint, ExperimentView, LiftView
from tests.world import NOW

Lift = tuple[float, float | None, float | None] | None


def experiment(*looks: Sequence[Lift], decided: float | None = None, variants: Sequence[str] = ("one-page",)) -> ExperimentView:
    """Return an experiment with a look each hour. Each look has a lift of every variant: its estimate, low and high."""
    points = [
        CurvePoint(
            at=NOW + timedelta(hours=hour),
            lifts={
                key: LiftView(estimate=lift[0], low=lift[1], high=lift[2]) if lift else None
                for key, lift in zip(variants, look, strict=True)
            },
        )
        for hour, look in enumerate(looks)
    ]
    nothing_known: dict[str, Any] = {"lift": None, "is_better": False, "is_worse": False, "breaches": [], "unjudged": []} | {
        "unproven": [],
        "guardrails": [],
    }
    decision = decided is not None and {"ships": "one-page", "at": NOW + timedelta(hours=decided), "message": ""}
    values: dict[str, Any] = {
        "visit": 1,
        "stage": "Ship",
        "stage_outcome": "pending",
        "gate": 1,
        "environment": "production",
        "rule": "",
        "metric": "conversion",
        "better": "higher",
        "confidence": 0.95,
        "minimum": 100,
        "planned": 10_000,
        "shortest": "7d",
        "longest": "14d",
        "decide_every": "7d",
        "without_winner": "control",
        "outcome": "undecided",
        "reason": "not_significant",
        "message": "",
        "cannot_tell": None,
        "looks": len(points),
        "looked_at": points[-1].at if points else None,
        "arms": [],
        "comparisons": [{"variant": key} | nothing_known for key in variants],
        "sample_ratio": {"at_any_look": 1, "at_a_decision": 1},
        "decision": decision or None,
        "curve": points,
    }
    return ExperimentView.model_validate(values)


def picture(*looks: Lift, decided: float | None = None) -> IntervalPicture:
    """Return the picture of an experiment on one variant."""
    [drawn] = pictures_of(experiment(*([look] for look in looks), decided=decided))
    return drawn


def points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in text.split())]


def test_newest_interval_fills_the_middle_half_around_the_line_of_the_estimates() -> None:
    drawn = picture((0.1, -0.1, 0.3), (0.2, 0.0, 0.4))

    assert (drawn.lowest, drawn.highest) == pytest.approx((-0.2, 0.6))
    assert drawn.zero == 0.75 * HEIGHT
    [band] = drawn.bands
    left, right = MARGIN, WIDTH - MARGIN
    assert points(band.line) == [(left, 0.625 * HEIGHT), (right, 0.5 * HEIGHT)]
    above, below = [(left, 0.375 * HEIGHT), (right, 0.25 * HEIGHT)], [(right, 0.75 * HEIGHT), (left, 0.875 * HEIGHT)]
    assert points(band.area) == above + below


def test_picture_always_has_the_line_of_no_lift() -> None:
    assert 0 < picture((0.5, 0.4, 0.6), (0.5, 0.45, 0.55)).zero < HEIGHT
    assert 0 < picture((-0.5, -0.6, -0.4), (-0.5, -0.55, -0.45)).zero < HEIGHT


def test_wide_intervals_of_early_looks_do_not_shrink_the_newest_one() -> None:
    drawn = picture((3.0, -50.0, 9_000.0), (0.1, 0.05, 0.15), (0.1, 0.05, 0.15))

    assert drawn.highest < 0.3
    assert points(drawn.bands[0].area)[0][1] < 0


def test_unknown_bound_is_beyond_the_edge_of_the_picture() -> None:
    drawn = picture((0.1, -0.2, None), (0.1, None, 0.2), (0.1, 0.0, 0.2))

    area = points(drawn.bands[0].area)
    assert area[0][1] < 0
    assert area[-2][1] > HEIGHT


def test_look_without_a_lift_interrupts_the_band() -> None:
    drawn = picture(None, (0.1, 0.0, 0.2), (0.1, 0.0, 0.2), None, (0.1, 0.0, 0.2))

    assert [len(points(band.line)) for band in drawn.bands] == [2, 1]
    assert points(drawn.bands[0].line)[0][0] > MARGIN


def test_decision_stands_at_its_time() -> None:
    looks: list[Lift] = [(0.1, -0.1, 0.3), (0.2, 0.0, 0.4), (0.2, 0.1, 0.3)]

    assert picture(*looks).decided is None
    assert picture(*looks, decided=1).decided == WIDTH / 2
    assert picture(*looks, decided=4).decided == WIDTH - MARGIN


def test_variants_have_pictures_of_the_same_scale() -> None:
    view = experiment(*([(0.1, 0.0, 0.2), (-0.3, -0.4, -0.2)] for _ in range(3)), variants=("one-page", "two-pages"))

    one, two = pictures_of(view)

    assert (one.variant, two.variant) == ("one-page", "two-pages")
    assert (one.lowest, one.highest, one.zero) == (two.lowest, two.highest, two.zero)


def test_picture_describes_its_beginning_and_its_end() -> None:
    drawn = picture((0.1, -0.1, None), (0.2, 0.1, 0.3))

    assert (
        drawn.in_words
        == "Lift of 'one-page' at 2 looks: +10.00% (at least -10.00%) at first, +20.00% (between +10.00% and +30.00%) at last."
    )


def test_one_lift_is_no_picture_and_many_looks_are_thinned() -> None:
    assert pictures_of(experiment()) == []
    assert pictures_of(experiment([None], [(0.1, 0.0, 0.2)])) == []
    assert len(points(picture(*[(0.1, 0.0, 0.2)] * 200).bands[0].line)) == MOST_DRAWN
