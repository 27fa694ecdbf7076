"""Points in time as people enter them: with an offset, or local in an IANA time zone."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, StringConstraints

from domain.text import did_you_mean

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_FORM = "write it as 2026-03-01T09:00:00+01:00 or 2026-03-01T08:00:00Z"


def parse_instant(text: str, timezone: str | None = None) -> datetime:
    """Parse a point in time and return it in UTC. Without an offset it is local in the zone.

    A local time that occurs twice, because clocks are set back, means the first occurrence.
    Raise ValueError with the remedy for any other form, a local time without a zone, and a local time that clocks skip.
    """
    if _DATE.fullmatch(text):
        raise ValueError(f"must have a time of day: {_FORM}")
    moment = _parsed(text)
    if moment is None:
        raise ValueError(f"must be a point in time: {_FORM}")
    if moment.tzinfo is None:
        return _from_local(moment, timezone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


def has_offset(text: str) -> bool:
    """True if the text is a point in time with an offset, so that it needs no zone."""
    moment = _parsed(text)
    return moment is not None and moment.tzinfo is not None


def print_instant(moment: datetime) -> str:
    """Format a point in time in UTC. Parsing it returns the same point in time."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parsed(text: str) -> datetime | None:
    """Parse this one form only. Python accepts others, some with characters that a database can't store."""
    try:
        return datetime.fromisoformat(text.upper()) if _INSTANT.fullmatch(text) else None
    except ValueError:
        return None


def _from_local(moment: datetime, timezone: str | None) -> datetime:
    if timezone is None:
        raise ValueError("must have an offset (+01:00 or Z), or a timezone such as Europe/London")
    try:
        in_utc = moment.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None
    if in_utc.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) != moment:
        raise ValueError(f"must exist in {timezone}, where clocks are set forward past this time: choose an earlier or later time")
    return in_utc


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})


def _known_zone(timezone: str) -> str:
    if timezone not in _zones():
        suggestion = did_you_mean(timezone, _zones())
        raise ValueError(f"must be an IANA time zone such as Europe/London, America/New_York or UTC, not '{timezone}'.{suggestion}")
    return timezone


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
"""The name of a zone in the IANA database."""
