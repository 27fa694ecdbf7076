"""The provider of each project: the one module that knows adapters by name."""

from activities.providers.builtin import BuiltinProvider
from activities.providers.provider import FlagProvider
from activities.store.database import Store
from domain.flags.project import Project


def provider_of(project: Project, store: Store) -> FlagProvider:
    """Return the provider of a project's flags, for use within the transaction of `store`."""
    return BuiltinProvider(store, project)
