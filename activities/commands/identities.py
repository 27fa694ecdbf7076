"""The command that stores the traits that applications send for identities."""

from collections.abc import Mapping
from datetime import datetime

from activities.store.database import Database
from domain.evaluation.identity import Identity, Trait
from domain.evaluation.identity_request import IdentityRequest


def update_traits(database: Database, environment_id: str, request: IdentityRequest, at: datetime) -> tuple[Identity, Mapping[str, Trait]]:
    """Store new or changed traits, unless the identity is transient. Raises Invalid.

    Return the identity as it is to be evaluated, and its stored traits.
    """
    with database.reading() as store:
        known = store.identities.traits(environment_id, request.identifier)
    if request.transient or request.traits_after(known) == known:
        return request.identity(known), known
    with database.transaction() as store:
        known = store.identities.traits(environment_id, request.identifier, lock=True)
        traits = request.traits_after(known)
        store.identities.write(environment_id, request.identifier, traits, at)
    return request.identity(known), traits
