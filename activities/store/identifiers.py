"""Generated identifiers: UUIDv7, which sort by creation time."""

from uuid_utils import uuid7


def new_id() -> str:
    """Generate an identifier."""
    return str(uuid7())
