"""Weekly windows in a time zone: the hours in which a stage may act, and when they begin next."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self, final
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, model_validator

from domain.instant import TimeZone
from domain.model import Frozen
from domain.pipelines.wall_clock import clock_change, first_instant, instants, is_after_gap, is_skipped, wall_clock

MOST_RANGES = 50


class Day(StrEnum):
    """A day of the week; Monday is the first."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


_WEEK = tuple(Day)

Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""A wall clock time, `09:30`; `24:00` is the end of the day."""


class WeeklyRange(Frozen):
    """From `start` until `end` on each of these days. One that ends before it starts goes past midnight and belongs to its first day.

    A range that starts or ends at a time that clocks skip is open for its full length: from its start, or from the end of the gap.
    """

    days: tuple[Day, ...] = Field(min_length=1, max_length=7)
    start: Clock
    end: Clock

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.start in (self.end, "24:00"):
            raise ValueError("must start before 24:00, and its start must differ from its end; a whole day is 00:00 to 24:00")
        return self

    def span_from(self, day: date) -> tuple[datetime, datetime]:
        """Return the wall clock times between which it is open, for the one that starts on that day."""
        start, end = _time_on(day, self.start), _time_on(day, self.end)
        return start, end if start < end else end + timedelta(days=1)


@final
class WindowGate(Frozen):
    """Acts only while one of these ranges is open."""

    type: Literal["WINDOW"]
    timezone: TimeZone
    ranges: tuple[WeeklyRange, ...] = Field(min_length=1, max_length=MOST_RANGES)

    def is_open(self, at: datetime) -> bool:
        """True if a stage may act at that time."""
        zone = ZoneInfo(self.timezone)
        wall = wall_clock(at, zone)
        return any(start <= wall < end for start, end in self._spans(wall.date(), days_before=1)) or self._is_open_after_gap(at, zone)

    def opens_at(self, at: datetime) -> datetime:
        """Return the first time from `at` on at which it is open. Weekly ranges always open within nine days."""
        if self.is_open(at):
            return at
        return next(start for start in self._possible_starts(at) if start > at and self.is_open(start))

    def in_words(self) -> str:
        """Describe it for people: `only MON, TUE 09:00–16:00 Europe/Berlin`."""
        spans = "; ".join(f"{', '.join(each.days)} {each.start}–{each.end}" for each in self.ranges)
        return f"only {spans} {self.timezone}"

    def _possible_starts(self, at: datetime) -> Iterator[datetime]:
        """Yield, in order, each time at which it may open: the start of a range, or a change of clocks. They are computed day by day."""
        zone = ZoneInfo(self.timezone)
        days = [at + timedelta(days=ahead) for ahead in range(11)]
        changes = [change for since, until in pairwise(days) if (change := clock_change(since, until, zone))]
        for ahead in range(-1, 10):
            day = wall_clock(at, zone).date() + timedelta(days=ahead)
            starts = {instant for start, _ in self._spans(day, days_before=0) for instant in instants(start, zone)}
            yield from sorted(starts.union(change for change in changes if wall_clock(change, zone).date() == day))

    def _is_open_after_gap(self, at: datetime, zone: ZoneInfo) -> bool:
        """True if a range that starts or ends at a time that clocks skip is open, for its full length."""
        if not is_after_gap(at, zone, within=timedelta(days=2)):
            return False
        for start, end in self._spans(wall_clock(at, zone).date(), days_before=2):
            if is_skipped(start, zone) or is_skipped(end, zone):
                opens_at = first_instant(start, zone)
                if opens_at <= at < opens_at + (end - start):
                    return True
        return False

    def _spans(self, day: date, days_before: int) -> Iterator[tuple[datetime, datetime]]:
        """Yield the wall clock times between which it is open, for each range that starts on that day or so many days before."""
        for before in range(days_before + 1):
            first = day - timedelta(days=before)
            weekday = _WEEK[first.weekday()]
            yield from (each.span_from(first) for each in self.ranges if weekday in each.days)


def _time_on(day: date, clock: str) -> datetime:
    if clock == "24:00":
        return datetime.combine(day + timedelta(days=1), time.min)
    return datetime.combine(day, time.fromisoformat(clock))
