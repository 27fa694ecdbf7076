"""Points in time as people type them: with an offset, or local in an IANA time zone."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, StringConstraints

_FORM = "write it as 2026-03-01T09:00:00+01:00 or 2026-03-01T08:00:00Z"


def parse_instant(text: str, timezone: str | None = None) -> datetime:
    """Read a point in time, in UTC. One without an offset is local in the zone; where clocks are set back it is the earlier of the two.

    Raises ValueError with the remedy: for another form, for a local time without a zone, and for one that clocks jump over.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"is not a point in time: {_FORM}") from None
    if "T" not in text.upper():
        raise ValueError(f"is a date without a time: {_FORM}")
    if moment.tzinfo is None:
        return _from_local(moment, timezone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None


def has_offset(text: str) -> bool:
    """Whether a point in time needs no zone; false for what is none."""
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is not None
    except ValueError:
        return False


def print_instant(moment: datetime) -> str:
    """Write a point in time in UTC, so that it reads back as the same."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _from_local(moment: datetime, timezone: str | None) -> datetime:
    if timezone is None:
        raise ValueError("has neither an offset nor a time zone: add an offset (+01:00 or Z), or a timezone such as Europe/London")
    try:
        in_utc = moment.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None
    if in_utc.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) != moment:
        raise ValueError(f"does not exist in {timezone}, where clocks are set forward over it: choose a time before or after")
    return in_utc


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known(timezone: str) -> str:
    if timezone not in _zones():
        raise ValueError(f"'{timezone}' is no IANA time zone: write it as Europe/London, America/New_York or UTC")
    return timezone


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]
"""The name of a zone in the IANA database."""
