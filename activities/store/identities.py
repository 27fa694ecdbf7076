"""The stored traits of identities."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.tables import identities
from domain.evaluation.identity import Trait

_TRAITS = select(identities.c.traits).where(
    identities.c.environment_id == bindparam("environment"), identities.c.identifier == bindparam("identifier")
)
"""Built once, because it is read with every request of an SDK."""


class IdentityRepository:
    """Traits by environment and identifier. An identity without traits has no row."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def traits(self, environment_id: str, identifier: str, *, lock: bool = False) -> Mapping[str, Trait]:
        """Return an identity's traits, optionally locked until the transaction ends."""
        query = _TRAITS.with_for_update() if lock else _TRAITS
        return self.connection.execute(query, {"environment": environment_id, "identifier": identifier}).scalar_one_or_none() or {}

    def write(self, environment_id: str, identifier: str, traits: Mapping[str, Trait], at: datetime) -> None:
        """Replace an identity's traits."""
        place = (identities.c.environment_id == environment_id) & (identities.c.identifier == identifier)
        values = {"traits": dict(traits), "changed_at": at}
        if self.connection.execute(update(identities).where(place).values(**values)).rowcount:
            return
        try:
            with self.connection.begin_nested():
                row = {"environment_id": environment_id, "identifier": identifier}
                self.connection.execute(insert(identities).values(**row, **values))
        except IntegrityError:  # A concurrent request inserted it: the later write wins.
            self.connection.execute(update(identities).where(place).values(**values))
