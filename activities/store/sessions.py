"""Sessions of the dashboard. Only hashes of their tokens are stored."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert

from activities.store.keys import KEYS, caller_of, hash_secret
from activities.store.tables import api_keys, sessions
from domain.access import Caller


class SessionRepository:
    """Sessions, each of one API key. A session ends when it expires, and as soon as its key is revoked or rotated."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def begin(self, key_id: str, secret_hash: str, at: datetime, expires_at: datetime) -> str:
        """Begin a session for the holder of this key and return its token. Delete the sessions that have expired."""
        token = secrets.token_urlsafe(32)
        self.connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
        values = {"token_hash": hash_secret(token), "api_key_id": key_id, "secret_hash": secret_hash, "expires_at": expires_at}
        self.connection.execute(insert(sessions).values(**values))
        return token

    def caller(self, token: str, at: datetime) -> Caller | None:
        """Return the caller whose session this is, or None if it has ended."""
        return self.find(hash_secret(token), at)

    def find(self, token_hash: str, at: datetime) -> Caller | None:
        """Return the caller of the session whose token has this hash, or None if it has ended."""
        return self.callers([token_hash], at).get(token_hash)

    def callers(self, token_hashes: Collection[str], at: datetime) -> Mapping[str, Caller]:
        """Return token hash -> caller of each of these sessions that has not ended."""
        alive = (sessions.c.expires_at > at) & api_keys.c.revoked_at.is_(None) & (api_keys.c.secret_hash == sessions.c.secret_hash)
        query = KEYS.join(sessions, sessions.c.api_key_id == api_keys.c.id).where(sessions.c.token_hash.in_(token_hashes), alive)
        rows = self.connection.execute(query.add_columns(sessions.c.token_hash))
        return {row.token_hash: caller_of(row) for row in rows}

    def end(self, *token_hashes: str) -> None:
        """End the sessions whose tokens have these hashes. Doing this twice is the same as doing it once."""
        self.connection.execute(delete(sessions).where(sessions.c.token_hash.in_(token_hashes)))
