"""The keys with which applications read environments."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from activities.store.environment_versions import EnvironmentVersions, version_at
from activities.store.tables import environments, numbers, projects, serving
from domain.evaluation.snapshot import EnvironmentKeys, KeyKind


def new_key(kind: KeyKind) -> str:
    """Generate an unguessable key. Flagsmith's SDKs recognize a server key by its prefix."""
    return f"ser.{secrets.token_urlsafe(24)}" if kind is KeyKind.SERVER else secrets.token_urlsafe(16)


class EnvironmentKeyRepository:
    """The keys of environments, stored in plain text because people look them up (docs/decisions/0017)."""

    def __init__(self, connection: Connection, versions: EnvironmentVersions) -> None:
        self.connection = connection
        self.versions = versions

    def begin(self, environment_id: str, at: datetime) -> None:
        """Insert the keys and the first version of a new environment."""
        keys = {"client_key": new_key(KeyKind.CLIENT), "server_key": new_key(KeyKind.SERVER)}
        self.connection.execute(insert(serving).values(environment_id=environment_id, version=version_at(at), **keys))

    def keys(self, environment_ids: Iterable[str]) -> Mapping[str, EnvironmentKeys]:
        """Return environment id -> keys."""
        rows = self.connection.execute(select(serving).where(serving.c.environment_id.in_(list(environment_ids))))
        return {row.environment_id: EnvironmentKeys(client_key=row.client_key, server_key=row.server_key) for row in rows}

    def rotate(self, environment_id: str, kind: KeyKind) -> None:
        """Replace the environment's key of this kind. The old key stops working."""
        values = {f"{kind}_key": new_key(kind)}
        self.connection.execute(update(serving).where(serving.c.environment_id == environment_id).values(**values))
        self.versions.touch(environment_id)

    def holder(self, key: str) -> str | None:
        """Return the id of the environment that has this key, of either kind, unless it is deleted."""
        served = serving.join(environments).join(projects)
        named = or_(serving.c.client_key == key, serving.c.server_key == key)
        alive = environments.c.deleted_at.is_(None) & projects.c.deleted_at.is_(None)
        query = select(serving.c.environment_id).select_from(served).where(named, alive)
        return self.connection.execute(query).scalar_one_or_none()

    def version(self, environment_id: str) -> int:
        """Return the environment's current version."""
        return int(self.connection.execute(select(serving.c.version).where(serving.c.environment_id == environment_id)).scalar_one())

    def numbers(self, ids: Iterable[str]) -> Mapping[str, int]:
        """Return id -> the number that Flagsmith's SDKs use for it."""
        rows = self.connection.execute(select(numbers).where(numbers.c.id.in_(list(ids))))
        return {row.id: row.number for row in rows}
