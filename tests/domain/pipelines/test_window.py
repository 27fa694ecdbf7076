"""Weekly windows follow wall clock time, also on days when clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.pipelines.window import Day, WindowGate
from tests.pipelines import window

ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Casablanca"]
)
CHANGING_ZONES = st.sampled_from(
    ["Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "America/Nuuk", "Africa/Casablanca"]
)
MOMENTS = st.integers(1_735_689_600, 1_830_297_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CLOCKS = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")


def gate(*arguments: str, timezone: str = "Europe/Berlin") -> WindowGate:
    return WindowGate.model_validate(window(*arguments, timezone=timezone))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.mark.parametrize(
    ("written", "moment", "opens"),
    [
        (("09:00", "16:00", "MON", "TUE"), "2026-03-02T10:00", "2026-03-02T10:00"),
        (("09:00", "16:00", "MON", "TUE"), "2026-03-02T16:00", "2026-03-03T09:00"),
        (("09:00", "16:00", "MON", "TUE"), "2026-03-03T15:59:59", "2026-03-03T15:59:59"),
        (("09:00", "16:00", "MON", "TUE"), "2026-03-03T18:30", "2026-03-09T09:00"),
        (("22:00", "02:00", "FRI"), "2026-03-07T01:30", "2026-03-07T01:30"),
        (("22:00", "02:00", "FRI"), "2026-03-06T01:30", "2026-03-06T22:00"),
        (("00:00", "24:00", "SUN"), "2026-03-08T23:59:59", "2026-03-08T23:59:59"),
        (("00:00", "24:00", "SUN"), "2026-03-09T00:00", "2026-03-15T00:00"),
        (("09:00", "16:00", "SUN"), "2026-03-28T12:00", "2026-03-29T09:00"),
        (("02:15", "02:45", "SUN"), "2026-03-28T12:00", "2026-03-29T03:00"),
        (("02:15", "04:00", "SUN"), "2026-03-28T12:00", "2026-03-29T03:00"),
    ],
)
def test_a_window_opens_by_wall_clock_time(written: tuple[str, ...], moment: str, opens: str) -> None:
    assert gate(*written).opens_at(berlin(moment)) == berlin(opens)


@pytest.mark.parametrize(
    ("zone", "written", "opens_at", "closes_at"),
    [
        ("Europe/London", ("01:15", "01:45", "SUN"), "2027-03-28T02:00", "2027-03-28T02:30"),
        ("Europe/London", ("01:00", "02:00", "SUN"), "2027-03-28T02:00", "2027-03-28T03:00"),
        ("Europe/London", ("01:15", "04:00", "SUN"), "2027-03-28T02:00", "2027-03-28T04:45"),
        ("Europe/London", ("00:30", "01:30", "SUN"), "2027-03-28T00:30", "2027-03-28T02:30"),
        ("Europe/London", ("23:30", "01:15", "SAT"), "2027-03-27T23:30", "2027-03-28T02:15"),
        ("Europe/London", ("00:30", "01:00", "SUN"), "2027-03-28T00:30", "2027-03-28T02:00"),
        ("Europe/London", ("00:30", "04:00", "SUN"), "2027-03-28T00:30", "2027-03-28T04:00"),
        ("Europe/London", ("22:00", "06:00", "SAT"), "2027-03-27T22:00", "2027-03-28T06:00"),
        ("Australia/Lord_Howe", ("02:10", "02:20", "SUN"), "2026-10-04T02:30", "2026-10-04T02:40"),
        ("Australia/Lord_Howe", ("02:15", "03:00", "SUN"), "2026-10-04T02:30", "2026-10-04T03:15"),
        ("America/Santiago", ("00:00", "00:30", "SUN"), "2026-09-06T01:00", "2026-09-06T01:30"),
        ("America/Santiago", ("23:45", "00:15", "SAT"), "2026-09-05T23:45", "2026-09-06T01:15"),
        ("America/Santiago", ("22:00", "24:00", "SAT"), "2026-09-05T22:00", "2026-09-06T01:00"),
        ("Africa/Cairo", ("00:00", "24:00", "FRI"), "2026-04-24T01:00", "2026-04-25T01:00"),
        ("Africa/Cairo", ("00:20", "00:50", "FRI"), "2026-04-24T01:00", "2026-04-24T01:30"),
        ("America/Nuuk", ("23:50", "23:30", "FRI"), "2026-03-27T23:50", "2026-03-29T00:30"),
    ],
)
def test_a_window_that_starts_or_ends_at_a_skipped_time_keeps_its_length(
    zone: str, written: tuple[str, str, str], opens_at: str, closes_at: str
) -> None:
    window_gate = gate(*written, timezone=zone)
    opening, closing = (datetime.fromisoformat(each).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for each in (opens_at, closes_at))

    assert window_gate.opens_at(opening - timedelta(hours=20)) == opening
    assert all(window_gate.is_open(opening + (closing - opening) * part / 60) for part in range(60))
    assert not window_gate.is_open(closing)
    assert window_gate.opens_at(closing) > closing + timedelta(days=5)


def offset(at: datetime, zone: str) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)


def is_shown(wall: datetime, zone: str) -> bool:
    """True if clocks in the zone show that time at least once."""
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall


def longest_opening(window_gate: WindowGate, since: datetime) -> timedelta:
    """Return the length of the longest opening within three days, sampled every 15 minutes."""
    longest = length = 0
    for quarter in range(3 * 96):
        length = length + 1 if window_gate.is_open(since + timedelta(minutes=15 * quarter)) else 0
        longest = max(longest, length)
    return timedelta(minutes=15 * longest)


@given(zone=CHANGING_ZONES, year=st.integers(2024, 2030), change=st.integers(0, 3), start=CLOCKS, end=CLOCKS, eve=st.booleans())
def test_a_window_opens_for_its_length_in_every_week_with_a_change_of_clocks(
    zone: str, year: int, change: int, start: str, end: str, eve: bool
) -> None:
    """Only a range from before a gap until after it is shorter, by the gap. Both of its times exist, so they count."""
    assume(start != end)
    days = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(365)]
    changes = [day for day in days if offset(day, zone) != offset(day - timedelta(days=1), zone)]
    assume(change < len(changes))
    changed = (changes[change].astimezone(ZoneInfo(zone)) - timedelta(days=eve)).date()
    starts, ends = (datetime.fromisoformat(f"{changed}T{clock}") for clock in (start, end))
    ends += timedelta(days=start > end)
    instants = [wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for wall in (starts, ends)]
    gap = max(offset(instants[1], zone) - offset(instants[0], zone), timedelta(0))
    is_around_gap = is_shown(starts, zone) and is_shown(ends, zone)

    opening = longest_opening(gate(start, end, list(Day)[changed.weekday()].value, timezone=zone), instants[0] - timedelta(hours=3))

    assert opening >= ends - starts - (gap if is_around_gap else timedelta(0))
    assert opening <= ends - starts + timedelta(hours=1)


def test_a_window_in_the_hour_that_is_repeated_opens_twice() -> None:
    nightly = gate("02:15", "02:45")
    first, second = datetime(2026, 10, 25, 0, 15, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC)

    assert nightly.opens_at(first - timedelta(hours=1)) == first
    assert nightly.opens_at(first + timedelta(minutes=30)) == second


@given(zone=ZONES, moment=MOMENTS, start=CLOCKS, end=CLOCKS, days=st.sets(st.sampled_from(list(Day)), min_size=1))
def test_a_window_is_open_at_its_opening_time_and_closed_until_then(
    zone: str, moment: datetime, start: str, end: str, days: set[Day]
) -> None:
    if start == end:
        return
    window_gate = gate(start, end, *(day.value for day in days), timezone=zone)

    opens_at = window_gate.opens_at(moment)

    assert window_gate.is_open(opens_at)
    assert moment <= opens_at <= moment + timedelta(days=9)
    minutes = int((opens_at - moment).total_seconds() // 60)
    samples = [moment + timedelta(minutes=minute) for minute in range(0, minutes, 7)]
    assert not any(window_gate.is_open(each) for each in samples)


@pytest.mark.parametrize(
    "written",
    [
        {"ranges": []},
        {"ranges": [{"days": [], "start": "09:00", "end": "16:00"}]},
        {"ranges": [{"days": ["MON"], "start": "09:00", "end": "09:00"}]},
        {"ranges": [{"days": ["MON"], "start": "24:00", "end": "09:00"}]},
        {"ranges": [{"days": ["MONDAY"], "start": "09:00", "end": "16:00"}]},
        {"ranges": [{"days": ["MON"], "start": "9:00", "end": "16:00"}]},
        {"ranges": [{"days": ["MON"], "start": "09:00", "end": "25:00"}]},
        {"timezone": "Mars/Base"},
    ],
)
def test_an_invalid_window_is_rejected(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WindowGate.model_validate(window("09:00", "16:00") | written)
