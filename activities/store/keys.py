"""API keys and their owners. Only hashes of secrets are stored."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.identifiers import new_id
from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import api_keys, owners, spent_secrets
from domain.access import Access, Caller, Grant, Owner
from domain.entity_tag import entity_tag
from domain.errors import KeyRevoked, NotFound
from domain.model import Frozen, Moment
from domain.text import folded

PREFIX = "fh_"
_GRANTS = TypeAdapter(tuple[Grant, ...])


class ApiKey(Frozen):
    """An API key without its secret."""

    id: str
    name: str
    owner: Owner
    grants: tuple[Grant, ...]
    created_at: Moment
    revoked_at: Moment | None = None


def new_secret() -> str:
    """Generate a secret of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Hash a secret. It is random and long, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class KeyRepository:
    """API keys, newest first, and the rights of their owners."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def caller(self, secret: str) -> Caller | None:
        """Return the caller who holds this secret, or None if it is unknown or revoked."""
        hashed = hash_secret(secret)
        query = KEYS.where(api_keys.c.secret_hash == hashed, api_keys.c.revoked_at.is_(None))
        row = self.connection.execute(query).one_or_none()
        if row is None or not hmac.compare_digest(row.secret_hash, hashed):
            return None
        return caller_of(row)

    def knows(self, secret: str) -> bool:
        """True if the secret ever belonged to a key, even one that has been revoked or rotated."""
        now = select(api_keys.c.secret_hash).where(api_keys.c.secret_hash == hash_secret(secret))
        once = select(spent_secrets.c.secret_hash).where(spent_secrets.c.secret_hash == hash_secret(secret))
        return self.connection.execute(now.union(once)).first() is not None

    def add(self, name: str, owner: Owner, grants: Iterable[Grant], secret: str, at: datetime) -> ApiKey:
        """Insert a key, and its owner if new."""
        key = ApiKey(id=new_id(), name=name, owner=owner, grants=tuple(grants), created_at=at)
        values = {"id": key.id, "name": name, "secret_hash": hash_secret(secret), "owner_id": self.owner_id(owner), "created_at": at}
        self.connection.execute(insert(api_keys).values(grants=_GRANTS.dump_python(key.grants, mode="json"), **values))
        return key

    def owner_id(self, owner: Owner) -> str:
        """Return the id of an owner, inserting the owner if new. A name that is only written differently is the same owner's."""
        query = select(owners.c.id).where(owners.c.kind == owner.kind, owners.c.name == owner.name)
        if found := self.connection.execute(query).scalar_one_or_none() or self._same_owner(owner):
            return str(found)
        try:
            with self.connection.begin_nested():
                self.connection.execute(insert(owners).values(id=new_id(), kind=owner.kind, name=owner.name))
        except IntegrityError:
            pass  # Inserted by a concurrent transaction.
        return str(self.connection.execute(query).scalar_one())

    def _same_owner(self, owner: Owner) -> str | None:
        rows = self.connection.execute(select(owners.c.id, owners.c.name).where(owners.c.kind == owner.kind).order_by(owners.c.id))
        return next((row.id for row in rows if folded(row.name) == folded(owner.name)), None)

    def add_owner(self, owner: Owner) -> str | None:
        """Insert an owner and return the id, or None if the name is taken, even if it is written differently."""
        if self._same_owner(owner):
            return None
        try:
            with self.connection.begin_nested():
                self.connection.execute(insert(owners).values(id=(id_ := new_id()), kind=owner.kind, name=owner.name))
        except IntegrityError:  # Inserted by a concurrent transaction.
            return None
        return id_

    def knows_owner(self, owner_id: str) -> bool:
        """True if an owner with this id exists."""
        return self.connection.execute(select(owners.c.id).where(owners.c.id == owner_id)).one_or_none() is not None

    def owner(self, owner_id: str) -> tuple[Owner, Access]:
        """Return an owner with the combined rights of their active keys."""
        rows = self.connection.execute(_RIGHTS, {"owner": owner_id}).all()
        return Owner(kind=rows[0].kind, name=rows[0].name), Access(grants=grants_of(rows))

    def get(self, key_id: str, *, lock: bool = False) -> ApiKey:
        """Return one key. Raises NotFound."""
        query = KEYS.where(api_keys.c.id == key_id)
        row = self.connection.execute(query.with_for_update(of=api_keys) if lock else query).one_or_none()
        if row is None:
            raise NotFound("No such key, or it is not visible to your key.")
        return _read(row)

    def etag(self, key: ApiKey) -> str:
        """Return the entity tag of an existing key. It changes with the secret too, which it does not reveal."""
        return entity_tag(key, self.secret_hash(key.id))

    def secret_hash(self, key_id: str) -> str:
        """Return the hash of an existing key's secret."""
        return str(self.connection.execute(select(api_keys.c.secret_hash).where(api_keys.c.id == key_id)).scalar_one())

    def page(self, wanted: Slice) -> Page[ApiKey]:
        """Return keys, newest first."""
        return fetch_page(self.connection, KEYS, api_keys.c.id, wanted, _read, newest_first=True)

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Revoke a key. Returns True if it was active."""
        living = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
        return self.connection.execute(update(api_keys).where(living).values(revoked_at=at)).rowcount > 0

    def rotate(self, key_id: str, secret: str, at: datetime) -> None:
        """Replace a key's secret. The old one stops working and can never be used again. Raises KeyRevoked."""
        this = api_keys.c.id == key_id
        row = self.connection.execute(select(api_keys.c.secret_hash, api_keys.c.revoked_at).where(this).with_for_update()).one()
        if row.revoked_at is not None:
            raise KeyRevoked("This key has been revoked permanently: create a new one.")
        self.connection.execute(insert(spent_secrets).values(secret_hash=row.secret_hash, api_key_id=key_id, spent_at=at))
        self.connection.execute(update(api_keys).where(this).values(secret_hash=hash_secret(secret)))


_LIVING = (api_keys.c.owner_id == owners.c.id) & api_keys.c.revoked_at.is_(None)
_RIGHTS = select(owners.c.kind, owners.c.name, api_keys.c.grants).outerjoin(api_keys, _LIVING).where(owners.c.id == bindparam("owner"))
KEYS = select(api_keys, owners.c.kind, owners.c.name.label("owner_name")).join(owners, owners.c.id == api_keys.c.owner_id)


def grants_of(rows: Iterable[Any]) -> tuple[Grant, ...]:
    """Return the grants of several keys together. A row without grants stands for no key."""
    return tuple(grant for row in rows if row.grants is not None for grant in _GRANTS.validate_python(row.grants))


def caller_of(row: Row[Any]) -> Caller:
    """Convert a row of `KEYS` into the caller who holds the key."""
    key = _read(row)
    return Caller(key=key.id, owner=key.owner, owner_id=row.owner_id, access=Access(grants=key.grants))


def _read(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        owner=Owner(kind=row.kind, name=row.owner_name),
        grants=_GRANTS.validate_python(row.grants),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
