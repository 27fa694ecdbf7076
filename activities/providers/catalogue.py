"""The provider of each project: the one module that knows adapters by name."""

from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.builtin import BuiltinProvider
from activities.providers.flag_system import FlagSystem
from activities.providers.provider import FlagProvider
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.system import UnleashProject
from activities.store.database import Store
from domain.errors import Invalid
from domain.flags.connection import Connection
from domain.flags.project import Project
from domain.flags.provider import ProviderKind


def provider_of(project: Project, store: Store) -> FlagProvider:
    """Return the provider of a project's flags, for use within the transaction of `store`.

    For flags that are kept elsewhere, it reads the copy in the store, and refuses to change them.
    """
    return BuiltinProvider(store, project)


def open_system(connection: Connection, credential: SecretStr | None, resolver: Resolver, seconds: float) -> FlagSystem:
    """Open another flag system, without a call to it. Each call will end within that many seconds."""
    match connection.kind:
        case ProviderKind.UNLEASH:
            token = credential or SecretStr("")
            return UnleashProject(
                UnleashAdminApi(connection.address, token, attempt_seconds=seconds, resolver=resolver), connection.project
            )
        case kind:
            raise Invalid(f"{kind.label} can't be connected to.")
