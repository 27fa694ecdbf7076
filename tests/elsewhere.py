"""Flag systems for tests whose projects keep their flags here."""

from activities.dns import Resolver
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from activities.store.database import Database


def nowhere(database: Database) -> FlagsElsewhere:
    """Flag systems without a key for credentials, and so without connections."""
    return FlagsElsewhere(database, FlagSystems(Sealer(), Resolver(allow_private=False)))
