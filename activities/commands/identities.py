"""Keeping what applications tell of identities."""

from collections.abc import Mapping
from datetime import datetime

from activities.store.database import Database
from domain.evaluation.identity import Identity, Trait
from domain.evaluation.identity_request import IdentityRequest


def remember(database: Database, environment_id: str, told: IdentityRequest, at: datetime) -> tuple[Identity, Mapping[str, Trait]]:
    """For whom to evaluate, and what is known of the identity from now on. It writes only what is new. Raises Invalid."""
    with database.reading() as store:
        known = store.identities.traits(environment_id, told.identifier)
    if told.transient or told.traits_after(known) == known:
        return told.identity(known), known
    with database.transaction() as store:
        known = store.identities.traits(environment_id, told.identifier, lock=True)
        after = told.traits_after(known)
        store.identities.write(environment_id, told.identifier, after, at)
    return told.identity(known), after
