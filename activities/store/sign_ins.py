"""Sign-ins at the identity provider that have begun. Each is used once, by the browser that knows its state."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert

from activities.store.keys import hash_secret
from activities.store.tables import sign_ins


class StartedSignIn(NamedTuple):
    """The secrets of one sign-in, the page to return to, and the hash of the session whose owner connects an account, if any."""

    nonce: str
    verifier: str
    return_to: str
    connecting: str | None


class SignInRepository:
    """Sign-ins that have begun, by a hash of their state."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def begin(self, state: str, started: StartedSignIn, at: datetime, expires_at: datetime) -> None:
        """Insert a sign-in, and delete those that have expired."""
        self.connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= at))
        self.connection.execute(insert(sign_ins).values(state_hash=hash_secret(state), expires_at=expires_at, **started._asdict()))

    def take(self, state: str, at: datetime) -> StartedSignIn | None:
        """Delete a sign-in and return it, or None if it is unknown, used or expired."""
        this = sign_ins.c.state_hash == hash_secret(state)
        columns = (sign_ins.c[name] for name in StartedSignIn._fields)
        row = self.connection.execute(delete(sign_ins).where(this, sign_ins.c.expires_at > at).returning(*columns)).one_or_none()
        return StartedSignIn(*row) if row else None
