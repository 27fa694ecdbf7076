"""Generated identifiers: UUIDv7, which sort by creation time."""

import secrets
from datetime import datetime

from uuid_utils import uuid7


def new_id() -> str:
    """Generate an identifier."""
    return str(uuid7())


def new_salt() -> int:
    """Generate the salt of a feature: positive, of 31 bits, because Flagsmith's SDKs read it as an integer."""
    return 1 + secrets.randbelow(2**31 - 1)


def salt_from(id_: str) -> int:
    """Return the salt of a feature that a process of an earlier version created without one, from the random end of its id."""
    return 1 + int(id_[-7:], 16)


def first_id_at(at: datetime) -> str:
    """Return a text that sorts before every identifier generated at or after this time."""
    milliseconds = f"{int(at.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"
