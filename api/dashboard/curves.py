"""Curves of sampled metrics, as numbers for an SVG."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from api.schemas.samples import SampleView, WatchView
from domain.metrics.condition import Outcome

WIDTH, HEIGHT, MARGIN = 600, 120, 8
_MISSED = 3
"""A gap this many times longer than the usual one interrupts the line."""


class Dot(NamedTuple):
    """A sample that failed or could not tell, or that stands alone. One that could not tell has no height, and stands on the axis."""

    x: float
    y: float
    outcome: Outcome


class Curve(NamedTuple):
    """Lines through the samples, the bounds that they should keep, and the samples that are drawn as dots."""

    has_values: bool
    lines: list[str]
    bounds: list[float]
    dots: list[Dot]
    lowest: float
    highest: float
    first: datetime
    last: datetime

    @property
    def in_words(self) -> str:
        """The curve for people who don't see it."""
        failed = sum(dot.outcome is Outcome.FAIL for dot in self.dots)
        unknown = sum(dot.outcome is Outcome.UNKNOWN for dot in self.dots)
        values = f"Values from {self.lowest:g} to {self.highest:g}." if self.has_values else "No values."
        return f"{values} Failed samples: {failed}. Samples that could not tell: {unknown}."


def curve_of(watch: WatchView) -> Curve | None:
    """Return the curve of a metric, or None if there are too few samples to draw one. A check has no values."""
    samples = watch.samples
    if len(samples) < 2 or watch.kind == "check":
        return None
    bounds = [bound for bound in (watch.at_most, watch.at_least) if bound is not None]
    values = [each.value for each in samples if each.value is not None]
    scale = _Scale(samples, [*values, *bounds] or [0.0])
    lines = _lines(samples)
    alone = {line[0][0] for line in lines if len(line) == 1}
    return Curve(
        has_values=bool(values),
        lines=[" ".join(f"{scale.x(at):.1f},{scale.y(value):.1f}" for at, value in line) for line in lines if len(line) > 1],
        bounds=[round(scale.y(bound), 1) for bound in bounds],
        dots=[scale.dot(each) for each in samples if each.outcome is not Outcome.PASS or each.at in alone],
        lowest=min(values, default=0.0),
        highest=max(values, default=0.0),
        first=samples[0].at,
        last=samples[-1].at,
    )


class _Scale:
    """Times and values as positions in the picture."""

    def __init__(self, samples: Sequence[SampleView], values: Sequence[float]) -> None:
        self.start = samples[0].at
        self.seconds = max((samples[-1].at - samples[0].at).total_seconds(), 1.0)
        self.low, self.high = min(values), max(values)
        if self.low == self.high:
            self.low, self.high = self.low - 1, self.high + 1

    def x(self, at: datetime) -> float:
        """Return the position of a time."""
        return MARGIN + (at - self.start).total_seconds() / self.seconds * (WIDTH - 2 * MARGIN)

    def y(self, value: float) -> float:
        """Return the position of a value. Greater ones are higher up."""
        return HEIGHT - MARGIN - (value - self.low) / (self.high - self.low) * (HEIGHT - 2 * MARGIN)

    def dot(self, sample: SampleView) -> Dot:
        """Return the dot of a sample."""
        y = HEIGHT - MARGIN if sample.value is None else self.y(sample.value)
        return Dot(round(self.x(sample.at), 1), round(y, 1), sample.outcome)


def _lines(samples: Sequence[SampleView]) -> list[list[tuple[datetime, float]]]:
    """Return rows of samples without a gap and without an unknown value between them."""
    gaps = sorted((after.at - before.at).total_seconds() for before, after in itertools.pairwise(samples))
    longest = gaps[len(gaps) // 2] * _MISSED
    lines: list[list[tuple[datetime, float]]] = []
    before: SampleView | None = None
    for each in samples:
        if each.value is not None:
            if before is None or before.value is None or (each.at - before.at).total_seconds() > longest:
                lines.append([])
            lines[-1].append((each.at, each.value))
        before = each
    return lines
