"""The first API key, without which no other could be created."""

from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError

from activities.store.database import Database
from domain.access import Grant, Owner, Role

SHORTEST = 20


def keep_bootstrap_key(database: Database, secret: str) -> None:
    """Store a key with every right, if one is given. Raises ValueError if it is too short to be safe.

    Doing this twice is the same as doing it once.
    """
    if not secret:
        return
    if len(secret) < SHORTEST:
        raise ValueError(f"FLAGHOIST_BOOTSTRAP_KEY needs at least {SHORTEST} characters.")
    with suppress(IntegrityError), database.transaction() as store:  # Another process may store it at the same moment.
        if not store.keys.knows(secret):
            owner = Owner(kind="service", name="bootstrap")
            store.keys.add("bootstrap", owner, [Grant(role=Role.OWNER)], secret, datetime.now(UTC))
