"""Points in time as people type them: with an offset, or local in an IANA time zone."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, StringConstraints

from domain.suggestion import did_you_mean

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_FORM = "write it as 2026-03-01T09:00:00+01:00 or 2026-03-01T08:00:00Z"


def parse_instant(text: str, timezone: str | None = None) -> datetime:
    """Read a point in time, in UTC. One without an offset is local in the zone; where clocks are set back it is the earlier of the two.

    Raises ValueError with the remedy: for another form, for a local time without a zone, and for one that clocks jump over.
    """
    if _DATE.fullmatch(text):
        raise ValueError(f"is a date without a time: {_FORM}")
    moment = _read(text)
    if moment is None:
        raise ValueError(f"is not a point in time: {_FORM}")
    if moment.tzinfo is None:
        return _from_local(moment, timezone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None


def has_offset(text: str) -> bool:
    """Whether a point in time needs no zone; false for what is none."""
    moment = _read(text)
    return moment is not None and moment.tzinfo is not None


def print_instant(moment: datetime) -> str:
    """Write a point in time in UTC, so that it reads back as the same."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(text: str) -> datetime | None:
    """Only the one form: Python reads others too, some of them with characters that no database keeps."""
    try:
        return datetime.fromisoformat(text.upper()) if _INSTANT.fullmatch(text) else None
    except ValueError:
        return None


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
    return frozenset(available_timezones() - {"Factory", "localtime"})


def _known(timezone: str) -> str:
    if timezone not in _zones():
        raise ValueError(
            f"'{timezone}' is no IANA time zone: write it as Europe/London, America/New_York or UTC.{did_you_mean(timezone, _zones())}"
        )
    return timezone


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known)]
"""The name of a zone in the IANA database."""
