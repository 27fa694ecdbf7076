"""Numbers and times in the answers of sources."""

import math
from datetime import UTC, datetime
from decimal import Decimal

from activities.metrics.adapter import CannotTell
from domain.instant import parse_instant


def number_of(value: object, what: str = "The value") -> float:
    """Return a finite number. Raises CannotTell for a missing value, NaN, infinity, text, and everything else."""
    if value is None:
        raise CannotTell("no_data", f"{what} is null: there is no data.")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise CannotTell("not_a_number", f"{what} is {_kind(value)}, not a number.")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.inf
    if not math.isfinite(number):
        raise CannotTell("not_a_number", f"{what} is not a finite number.")
    return number


def time_of(value: object, what: str) -> datetime:
    """Return a point in time from a datetime, Unix seconds or text in ISO 8601. Without an offset it is in UTC. Raises CannotTell."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    try:
        if isinstance(value, str):
            return parse_instant(value.strip().replace(" ", "T", 1), "UTC")
        return datetime.fromtimestamp(number_of(value, what), UTC)
    except (ValueError, OverflowError, OSError):
        raise CannotTell("not_a_number", f"{what} is not a point in time.") from None


def _kind(value: object) -> str:
    return "text" if isinstance(value, str) else "true or false" if isinstance(value, bool) else type(value).__name__
