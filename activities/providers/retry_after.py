"""The time after which a flag system wants to be asked again."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def retry_after_of(header: str | None, now: datetime) -> timedelta | None:
    """Return the time in a `Retry-After` header (RFC 9110), which has seconds or a date. None if it is missing or invalid."""
    if not header:
        return None
    if header.isascii() and header.isdigit() and len(header) < 8:
        return timedelta(seconds=int(header))
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta(0))
