"""Durations parse what people type and print as ISO 8601."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.duration import LONGEST, Duration, parse_duration, print_duration, speak_duration

WHOLE_SECONDS = st.integers(min_value=0, max_value=int(LONGEST.total_seconds())).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("written", "parsed"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("2d", timedelta(days=2)),
        ("1d12h", timedelta(hours=36)),
        ("2w", timedelta(days=14)),
        ("10s", timedelta(seconds=10)),
        ("1w1d1h1m1s", timedelta(days=8, hours=1, minutes=1, seconds=1)),
        ("90m", timedelta(minutes=90)),
        ("2D", timedelta(days=2)),
        ("  24h ", timedelta(hours=24)),
        ("PT24H", timedelta(hours=24)),
        ("P2D", timedelta(days=2)),
        ("P1W", timedelta(days=7)),
        ("P1DT12H", timedelta(hours=36)),
        ("PT1H30M5S", timedelta(hours=1, minutes=30, seconds=5)),
        ("pt24h", timedelta(hours=24)),
        ("0s", timedelta(0)),
        ("PT0S", timedelta(0)),
        ("366d", LONGEST),
        ("8784h", LONGEST),
    ],
)
def test_a_duration_in_any_form_is_parsed(written: str, parsed: timedelta) -> None:
    assert parse_duration(written) == parsed


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "24", "h", "1h1d", "1h1h", "1h 1m", "1.5h", "-1h", "+1h", "1_0h", "1y", "T1H", "tomorrow", "٣h", "1h\x00"),
        *("P", "PT", "P1DT", "P1M", "P1Y", "P1H", "PT1D", "P-1D", "PT1.5S", "P1D P1D"),  # Months and years have no fixed length.
    ],
)
def test_an_invalid_duration_is_refused_with_the_remedy(written: str) -> None:
    with pytest.raises(ValueError, match="must be a duration: write it as 30m, 24h"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["367d", "53w", "366d1s", "999999999w", "P999999999D", "999999999d999999999h"])
def test_a_duration_is_at_most_366_days(written: str) -> None:
    with pytest.raises(ValueError, match="at most 366 days"):
        parse_duration(written)


@pytest.mark.parametrize("sent", [24, 24.0, True, None, ["24h"], {"hours": 24}, "1h" * 40])
def test_a_duration_must_be_a_string_of_at_most_64_characters(sent: object) -> None:
    with pytest.raises(ValidationError, match="must be a duration"):
        TypeAdapter(Duration).validate_python(sent)


@pytest.mark.parametrize(
    ("duration", "printed", "spoken"),
    [
        (timedelta(0), "PT0S", "0 s"),
        (timedelta(seconds=90), "PT1M30S", "1 min 30 s"),
        (timedelta(hours=24), "P1D", "1 d"),
        (timedelta(hours=36), "P1DT12H", "1 d 12 h"),
        (timedelta(weeks=2), "P14D", "14 d"),
        (timedelta(days=1, seconds=1), "P1DT1S", "1 d 1 s"),
    ],
)
def test_a_duration_is_printed_in_iso_8601_and_in_words(duration: timedelta, printed: str, spoken: str) -> None:
    assert (print_duration(duration), speak_duration(duration)) == (printed, spoken)


@given(WHOLE_SECONDS)
def test_every_printed_duration_parses_to_the_same(duration: timedelta) -> None:
    assert parse_duration(print_duration(duration)) == duration
    assert parse_duration(speak_duration(duration).replace(" ", "").replace("min", "m")) == duration


@given(WHOLE_SECONDS)
def test_every_duration_crosses_json_unchanged(duration: timedelta) -> None:
    adapter = TypeAdapter(Duration)
    assert adapter.validate_json(adapter.dump_json(duration)) == duration
