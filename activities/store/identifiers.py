"""Generated identifiers: UUIDv7, which sort by creation time."""

from datetime import datetime

from uuid_utils import uuid7


def new_id() -> str:
    """Generate an identifier."""
    return str(uuid7())


def first_id_at(at: datetime) -> str:
    """Return a text that sorts before every identifier generated at or after this time."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"
