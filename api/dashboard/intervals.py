"""Intervals of an experiment over time, as numbers for an SVG."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from api.schemas.experiments import CurvePoint, ExperimentView, LiftView, thinned
from domain.statistics.confidence_sequence import Interval

WIDTH, HEIGHT, MARGIN = 600, 160, 8
MOST_DRAWN = 100
"""The most looks in a picture, so that a page with many variants stays small."""

_FARTHEST = 10 * HEIGHT
"""The farthest outside the picture that anything is drawn. Browsers cut it off at the edge."""

_Look = tuple[datetime, LiftView]


class Band(NamedTuple):
    """A row of looks without a gap: the area between the bounds, and the line of the estimates."""

    area: str
    line: str


class IntervalPicture(NamedTuple):
    """The lift of a variant at each look, with the height of no lift, and the place of the decision."""

    variant: str
    bands: list[Band]
    zero: float
    decided: float | None
    lowest: float
    highest: float
    first: datetime
    last: datetime
    in_words: str


def pictures_of(experiment: ExperimentView) -> list[IntervalPicture]:
    """Return a picture for each variant with two looks or more that have a lift. All have the same scale."""
    curve = thinned(experiment.curve, MOST_DRAWN)
    rows = {each.variant: list(_rows(curve, each.variant)) for each in experiment.comparisons}
    looks = {variant: [look for row in found for look in row] for variant, found in rows.items()}
    drawn = [variant for variant, found in looks.items() if len(found) > 1]
    if not drawn:
        return []
    decided_at = experiment.decision.at if experiment.decision else None
    scale = _Scale(curve[0].at, max(curve[-1].at, decided_at or curve[-1].at), [looks[variant][-1][1] for variant in drawn])
    return [
        IntervalPicture(
            variant=variant,
            bands=[scale.band(row) for row in rows[variant]],
            zero=round(scale.y(0), 1),
            decided=round(scale.x(decided_at), 1) if decided_at else None,
            lowest=scale.low,
            highest=scale.high,
            first=scale.first,
            last=scale.last,
            in_words=_in_words(variant, looks[variant]),
        )
        for variant in drawn
    ]


class _Scale:
    """Times and lifts as positions in the picture. The newest intervals fill its middle, because earlier ones are much wider."""

    def __init__(self, first: datetime, last: datetime, newest: Sequence[LiftView]) -> None:
        self.first, self.last = first, last
        self.seconds = max((last - first).total_seconds(), 1.0)
        known = [0.0, *(value for lift in newest for value in (lift.estimate, lift.low, lift.high) if value is not None)]
        beyond = (max(known) - min(known)) / 2 or 1.0
        self.low, self.high = min(known) - beyond, max(known) + beyond

    def x(self, at: datetime) -> float:
        """Return the position of a time."""
        return MARGIN + (at - self.first).total_seconds() / self.seconds * (WIDTH - 2 * MARGIN)

    def y(self, lift: float) -> float:
        """Return the position of a lift. Greater ones are higher up."""
        return min(max((self.high - lift) / (self.high - self.low) * HEIGHT, -_FARTHEST), _FARTHEST)

    def band(self, row: Sequence[_Look]) -> Band:
        """Return the band of looks without a gap. A bound that isn't known is beyond the picture."""
        above = [(self.x(at), -_FARTHEST if lift.high is None else self.y(lift.high)) for at, lift in row]
        below = [(self.x(at), _FARTHEST if lift.low is None else self.y(lift.low)) for at, lift in row]
        return Band(_points([*above, *reversed(below)]), _points([(self.x(at), self.y(lift.estimate)) for at, lift in row]))


def _rows(curve: Sequence[CurvePoint], variant: str) -> Iterator[list[_Look]]:
    """Yield rows of looks in which the variant has a lift."""
    for has_lift, group in itertools.groupby(curve, key=lambda point: point.lifts[variant] is not None):
        if has_lift:
            yield [(point.at, lift) for point in group if (lift := point.lifts[variant])]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _in_words(variant: str, looks: Sequence[_Look]) -> str:
    """Return the picture for people who don't see it."""
    first, last = (f"{lift.estimate:+.2%} ({Interval(**lift.model_dump()).in_percent()})" for lift in (looks[0][1], looks[-1][1]))
    return f"Lift of '{variant}' at {len(looks)} looks: {first} at first, {last} at last."
