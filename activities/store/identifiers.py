"""Identifiers that nobody types: UUIDs of version 7, which sort by the time they were made."""

from uuid_utils import uuid7


def new_id() -> str:
    """A new identifier."""
    return str(uuid7())
