"""Weekly windows in a time zone: the hours in which a stage may act, and when they begin next."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self, final
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, model_validator

from domain.instant import TimeZone
from domain.model import Frozen

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


Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""A wall clock time, `09:30`; `24:00` is the end of the day."""


class WeeklyRange(Frozen):
    """From `start` until `end` on each of these days. One that ends before it starts goes past midnight and belongs to its first day."""

    days: tuple[Day, ...] = Field(min_length=1, max_length=7)
    start: Clock
    end: Clock

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.start in (self.end, "24:00"):
            raise ValueError("must start before 24:00, and its start must differ from its end; a whole day is 00:00 to 24:00")
        return self

    def covers(self, wall: datetime) -> bool:
        """True if this wall clock time is within the range."""
        minute, start, end = wall.time(), _time(self.start), _time(self.end)
        today, yesterday = _day(wall.date()), _day(wall.date() - timedelta(days=1))
        if self.end == "24:00":
            return today in self.days and minute >= start
        if start < end:
            return today in self.days and start <= minute < end
        return (today in self.days and minute >= start) or (yesterday in self.days and minute < end)


@final
class WindowGate(Frozen):
    """Acts only while one of these ranges is open."""

    type: Literal["WINDOW"]
    timezone: TimeZone
    ranges: tuple[WeeklyRange, ...] = Field(min_length=1, max_length=MOST_RANGES)

    def is_open(self, at: datetime) -> bool:
        """True if a stage may act at that time."""
        wall = at.astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None)
        return any(each.covers(wall) for each in self.ranges)

    def opens_at(self, at: datetime) -> datetime:
        """Return the first time from `at` on at which it is open. Weekly ranges always open within nine days."""
        if self.is_open(at):
            return at
        return min(start for start in self._possible_starts(at) if start > at and self.is_open(start))

    def in_words(self) -> str:
        """Describe it for people: `only MON, TUE 09:00–16:00 Europe/Berlin`."""
        spans = "; ".join(f"{', '.join(each.days)} {each.start}–{each.end}" for each in self.ranges)
        return f"only {spans} {self.timezone}"

    def _possible_starts(self, at: datetime) -> Iterator[datetime]:
        """Yield each time at which it may open: the start of a range, or a change of clocks."""
        zone = ZoneInfo(self.timezone)
        first = at.astimezone(zone).date()
        for ahead in range(-1, 10):
            day = first + timedelta(days=ahead)
            yield from _clock_changes(day, zone)
            for each in self.ranges:
                if _day(day) in each.days:
                    yield from (datetime.combine(day, _time(each.start), zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def _time(clock: str) -> time:
    return time.max if clock == "24:00" else time.fromisoformat(clock)


def _day(day: date) -> Day:
    return list(Day)[day.weekday()]


def _clock_changes(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the time at which clocks are set forward or back on that day, to the second, if they are."""
    early = datetime.combine(day, time.min, zone).astimezone(UTC)
    late = early + timedelta(days=1)
    before = early.astimezone(zone).utcoffset()
    if before == late.astimezone(zone).utcoffset():
        return
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
    yield late
