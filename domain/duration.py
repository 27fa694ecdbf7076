"""Durations: parsed from short forms and ISO 8601 (`24h`, `1d12h`, `PT24H`), printed in ISO 8601 (`P1D`)."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

LONGEST = timedelta(days=366)

_AMOUNTS = r"(?:(?P<weeks>\d{1,9})w)?(?:(?P<days>\d{1,9})d)?{t}(?:(?P<hours>\d{1,9})h)?(?:(?P<minutes>\d{1,9})m)?(?:(?P<seconds>\d{1,9})s)?"
_SHORT = re.compile(_AMOUNTS.replace("{t}", ""), re.ASCII)
_ISO_8601 = re.compile("p" + _AMOUNTS.replace("{t}", "(?:t(?=.))?"), re.ASCII)
_REMEDY = "write it as 30m, 24h, 2d, 1d12h or 2w, or in ISO 8601 as PT24H or P2D"


def parse_duration(text: str) -> timedelta:
    """Parse an ISO 8601 duration or its short form. A day is 24 hours. Raise ValueError with the remedy."""
    written = text.strip().lower()
    match = _ISO_8601.fullmatch(written) or _SHORT.fullmatch(written)
    amounts = {unit: int(amount) for unit, amount in match.groupdict().items() if amount} if match else {}
    if not amounts or ("t" not in written and written.startswith("p") and amounts.keys() & {"hours", "minutes", "seconds"}):
        raise ValueError(f"must be a duration: {_REMEDY}")
    try:
        duration = timedelta(**amounts)
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST:
        raise ValueError("must be at most 366 days")
    return duration


def print_duration(duration: timedelta) -> str:
    """Format a duration in ISO 8601, in days, hours, minutes and seconds."""
    days, hours, minutes, seconds = _parts(duration)
    date = f"{days}D" if days else ""
    time = "".join(f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if amount)
    return f"P{date}T{time}" if time else f"P{date}" if date else "PT0S"


def speak_duration(duration: timedelta) -> str:
    """Format a duration for people: `1 d 12 h`."""
    amounts = zip(_parts(duration), ("d", "h", "min", "s"), strict=True)
    return " ".join(f"{amount} {unit}" for amount, unit in amounts if amount) or "0 s"


def _parts(duration: timedelta) -> tuple[int, int, int, int]:
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return duration.days, hours, minutes, seconds


def _validate(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError(f"must be a duration: {_REMEDY}")
    return parse_duration(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(_validate),
    PlainSerializer(print_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT24H", "2d", "1d12h"]}),
]
