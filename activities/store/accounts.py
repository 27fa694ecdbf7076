"""Accounts at the identity provider, and the sign-ins there that have begun.

An account is connected with one owner, and with the key that carries the account's rights.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select, update

from activities.store.keys import hash_secret
from activities.store.tables import accounts, sign_ins
from domain.access import Account


class ConnectedAccount(NamedTuple):
    """The owner of an account, and its key. The key is None after the account has lost its rights."""

    owner_id: str
    api_key_id: str | None


class StartedSignIn(NamedTuple):
    """The secrets of one sign-in, the page to return to, and the hash of the session whose owner connects an account, if any."""

    nonce: str
    verifier: str
    return_to: str
    connecting: str | None


class AccountRepository:
    """Accounts by issuer and subject, at most one for each owner. Sign-ins by a hash of their state."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def find(self, account: Account) -> ConnectedAccount | None:
        """Return the connection of an account, locked, or None if it has none."""
        return self._find(accounts.c.issuer == account.issuer, accounts.c.subject == account.subject)

    def find_by_owner(self, owner_id: str) -> ConnectedAccount | None:
        """Return the connection of an owner, locked, or None if the owner has no account."""
        return self._find(accounts.c.owner_id == owner_id)

    def _find(self, *conditions: ColumnElement[bool]) -> ConnectedAccount | None:
        query = select(accounts.c.owner_id, accounts.c.api_key_id).where(*conditions).with_for_update()
        row = self.connection.execute(query).one_or_none()
        return ConnectedAccount(*row) if row else None

    def add(self, account: Account, owner_id: str) -> None:
        """Connect an account with an owner. Neither may have another connection."""
        self.connection.execute(insert(accounts).values(issuer=account.issuer, subject=account.subject, owner_id=owner_id))

    def delete(self, owner_id: str) -> None:
        """Disconnect the account of an owner."""
        self.connection.execute(delete(accounts).where(accounts.c.owner_id == owner_id))

    def give_key(self, owner_id: str, api_key_id: str | None) -> None:
        """Set the key of an owner's account."""
        self.connection.execute(update(accounts).where(accounts.c.owner_id == owner_id).values(api_key_id=api_key_id))

    def has_key(self, api_key_id: str) -> bool:
        """True if this is the key of an account."""
        return bool(self.connection.execute(select(exists().where(accounts.c.api_key_id == api_key_id))).scalar_one())

    def begin_sign_in(self, state: str, started: StartedSignIn, at: datetime, expires_at: datetime) -> None:
        """Insert a sign-in, and delete those that have expired."""
        self.connection.execute(delete(sign_ins).where(sign_ins.c.expires_at <= at))
        self.connection.execute(insert(sign_ins).values(state_hash=hash_secret(state), expires_at=expires_at, **started._asdict()))

    def take_sign_in(self, state: str, at: datetime) -> StartedSignIn | None:
        """Delete a sign-in and return it, or None if it is unknown, used or expired."""
        this = sign_ins.c.state_hash == hash_secret(state)
        columns = (sign_ins.c[name] for name in StartedSignIn._fields)
        row = self.connection.execute(delete(sign_ins).where(this, sign_ins.c.expires_at > at).returning(*columns)).one_or_none()
        return StartedSignIn(*row) if row else None
