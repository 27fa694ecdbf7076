"""Wall clock time in a time zone, on days when clocks are set forward or back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def wall_clock(at: datetime, zone: ZoneInfo) -> datetime:
    """Return what clocks in the zone show at that time, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None)


def is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    """True if clocks in the zone never show that time, because they are set forward past it."""
    return wall_clock(_instant(wall, zone), zone) != wall


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first time at which clocks in the zone show that time, or the end of the gap if they skip it."""
    instant = _instant(wall, zone)
    return clock_change(_instant(wall, zone, fold=1), instant, zone) or instant if is_skipped(wall, zone) else instant


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and the last time at which clocks in the zone show that time. They differ if clocks are set back over it."""
    return _instant(wall, zone), _instant(wall, zone, fold=1)


def is_after_gap(at: datetime, zone: ZoneInfo, within: timedelta) -> bool:
    """True if clocks in the zone were set forward within that long before."""
    return _offset(at, zone) > _offset(at - within, zone)


def clock_change(since: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when clocks in the zone are set forward or back between these times, to the second, or None if they are not."""
    before = _offset(since, zone)
    if before == _offset(until, zone):
        return None
    while until - since > timedelta(seconds=1):
        middle = since + timedelta(seconds=(until - since) // timedelta(seconds=2))
        since, until = (middle, until) if _offset(middle, zone) == before else (since, middle)
    return until


def _instant(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
