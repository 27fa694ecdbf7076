"""Begins sessions of the dashboard for people who have signed in at the identity provider."""

from datetime import datetime, timedelta
from typing import NamedTuple

from activities.commands.key_entries import record_key_entry
from activities.store.accounts import ConnectedAccount
from activities.store.database import Store
from activities.store.keys import ApiKey, new_secret
from domain.access import Access, Account, Caller, Grant, Owner
from domain.audit import AuditEvent
from domain.errors import NotAllowed

KEY_NAME = "OpenID Connect"
"""The name of the key that carries an account's rights. Nobody knows its secret."""


class SignedIn(NamedTuple):
    """An account whose person has just signed in, and the session of the owner with whom to connect it, if that was asked for."""

    account: Account
    connecting: str | None = None


def begin_session(store: Store, signed_in: SignedIn, grants: tuple[Grant, ...], at: datetime, lasts: timedelta) -> str | None:
    """Give the account these rights, begin a session and return its token. Raises NotAllowed.

    Without any grant, return None: the rights of the account end, and its sessions with them.
    """
    connected = store.accounts.find(signed_in.account)
    if not grants:
        if connected:
            _end_rights(store, connected, at)
        return None
    if signed_in.connecting:
        connected = _connect(store, signed_in.account, connected, _proven_owner(store, signed_in.connecting, at), at)
    key = _renew_key(store, connected or _add_owner(store, signed_in.account), grants, at)
    return store.sessions.begin(key.id, store.keys.secret_hash(key.id), at, at + lasts)


def _add_owner(store: Store, account: Account) -> ConnectedAccount:
    """Add an owner for a new account. A name never makes it the account of an owner who exists."""
    owner_id = store.keys.add_owner(Owner(kind="person", name=account.name))
    if owner_id is None:
        raise NotAllowed(
            f"The name '{account.name}' already belongs to an owner who is not connected with this account. If that is you, "
            "sign in with an API key of that owner, open the sign-in page again, and connect your account there."
        )
    store.accounts.add(account, owner_id)
    return ConnectedAccount(owner_id, None)


def _proven_owner(store: Store, session_hash: str, at: datetime) -> str:
    """Return the id of the person whose session with an API key this is."""
    caller = store.sessions.find(session_hash, at)
    if caller is None or caller.owner.kind != "person" or store.accounts.has_key(caller.key):
        raise NotAllowed("To connect an account, sign in with an API key of a person first, and keep that session until you are done.")
    return caller.owner_id


def _connect(store: Store, account: Account, connected: ConnectedAccount | None, owner_id: str, at: datetime) -> ConnectedAccount:
    """Connect an account with an owner, in place of the owner's former account."""
    if connected and connected.owner_id != owner_id:
        owner, _ = store.keys.owner(connected.owner_id)
        raise NotAllowed(f"This account is already connected with the owner '{owner.name}'.")
    if former := store.accounts.find_by_owner(owner_id):
        _end_rights(store, former, at)
        store.accounts.delete(owner_id)
    store.accounts.add(account, owner_id)
    return ConnectedAccount(owner_id, None)


def _renew_key(store: Store, connected: ConnectedAccount, grants: tuple[Grant, ...], at: datetime) -> ApiKey:
    """Return the key of an account if it has exactly these grants, or else replace it. Its other sessions then end."""
    key = store.keys.get(connected.api_key_id) if connected.api_key_id else None
    if key and key.revoked_at:
        raise NotAllowed(
            "The rights of this account were revoked. To get them back, ask an admin for an API key of your owner, "
            "sign in with it, open the sign-in page again, and connect your account there."
        )
    if key and key.grants == grants:
        return key
    _end_rights(store, connected, at)
    owner, _ = store.keys.owner(connected.owner_id)
    key = store.keys.add(KEY_NAME, owner, grants, new_secret(), at)
    store.accounts.give_key(connected.owner_id, key.id)
    record_key_entry(store, _holder(key, connected), AuditEvent.KEY_CREATED, key, at)
    return key


def _end_rights(store: Store, connected: ConnectedAccount, at: datetime) -> None:
    """Revoke the key of an account. One that an admin has revoked stays its key, so that the account stays locked out."""
    if connected.api_key_id and store.keys.revoke(connected.api_key_id, at):
        key = store.keys.get(connected.api_key_id)
        store.accounts.give_key(connected.owner_id, None)
        record_key_entry(store, _holder(key, connected), AuditEvent.KEY_REVOKED, key, at)


def _holder(key: ApiKey, connected: ConnectedAccount) -> Caller:
    return Caller(key=key.id, owner=key.owner, owner_id=connected.owner_id, access=Access(grants=key.grants))
