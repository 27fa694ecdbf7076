"""Weekly windows follow wall clock time, also on days when clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.pipelines.window import Day, WindowGate
from tests.pipelines import window

ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Casablanca"]
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
        (("02:15", "02:45", "SUN"), "2026-03-28T12:00", "2026-04-05T02:15"),
        (("02:15", "04:00", "SUN"), "2026-03-28T12:00", "2026-03-29T03:00"),
    ],
)
def test_a_window_opens_by_wall_clock_time(written: tuple[str, ...], moment: str, opens: str) -> None:
    assert gate(*written).opens_at(berlin(moment)) == berlin(opens)


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
