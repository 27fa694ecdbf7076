"""Points in time as people enter them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import has_offset, parse_instant, print_instant

ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC"])
MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-03-01T09:00:00+01:00", None, datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01t08:00z", None, datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T09:00", "Europe/Berlin", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-07-01T09:00", "Europe/Berlin", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-10-25T02:30", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-03-29T03:00", "Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ],
)
def test_a_point_in_time_is_parsed_to_utc_and_an_ambiguous_one_is_the_earlier(text: str, zone: str | None, instant: datetime) -> None:
    assert parse_instant(text, zone) == instant


@pytest.mark.parametrize(
    ("text", "zone", "words"),
    [
        ("soon", None, "must be a point in time"),
        ("2026-13-01T00:00Z", None, "must be a point in time"),
        ("2026-03-01", None, "must have a time of day"),
        ("2026-03-01T09:00", None, "must have an offset"),
        ("2026-03-29T02:00", "Europe/Berlin", "must exist"),
        ("2026-03-29T02:59:59", "Europe/Berlin", "must exist"),
        ("2026-03-08T02:30", "America/New_York", "must exist"),
        ("0001-01-01T00:00+10:00", None, "within the years"),
        ("0001-01-01T00:00", "Asia/Kolkata", "within the years"),
    ],
)
def test_an_invalid_point_in_time_is_refused_with_the_remedy(text: str, zone: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_instant(text, zone)


@given(moment=MOMENTS)
def test_a_printed_instant_parses_to_the_same(moment: datetime) -> None:
    assert has_offset(print_instant(moment))
    assert parse_instant(print_instant(moment)) == moment


@given(moment=MOMENTS, zone=ZONES)
def test_every_local_time_that_a_clock_shows_is_accepted(moment: datetime, zone: str) -> None:
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    parsed = parse_instant(local.isoformat(), zone)

    assert moment - parsed in (timedelta(0), timedelta(hours=1), timedelta(minutes=30))


@pytest.mark.parametrize(
    "text", ["2026-03-01T08:00Z\x00", "2026-03-01T08:00TZ", "2026-W09-7T08:00Z", "20260301T0800Z", "2026-03-01X08:00Z", " "]
)
def test_only_one_form_is_accepted(text: str) -> None:
    assert not has_offset(text)
    with pytest.raises(ValueError, match="must be a point in time"):
        parse_instant(text)
