"""Which provider a project's flags live behind: the one place that knows adapters by name."""

from activities.providers.builtin import BuiltinProvider
from activities.providers.provider import FlagProvider
from activities.store.database import Store
from domain.flags.project import Project


def provider_of(project: Project, store: Store) -> FlagProvider:
    """The provider of a project's flags."""
    return BuiltinProvider(store, project)
