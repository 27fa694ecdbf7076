"""The copy of flags that are kept in another system, refreshed before a request reads it. No call runs in a transaction."""

from contextlib import suppress
from datetime import timedelta

from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.errors import ProviderError
from activities.store.database import Database
from domain.errors import FeatureNotFound, ProviderRefused
from domain.flags.project import Project

VIEW_TTL = timedelta(seconds=1)
"""The age until which a flag counts as current for a view."""


class FreshFlags:
    """Refreshes what a request is about to read. For a project whose flags are kept here it does nothing."""

    def __init__(self, database: Database, elsewhere: FlagsElsewhere) -> None:
        self.database = database
        self.elsewhere = elsewhere

    def require(self, project: str, feature: str | None = None) -> None:
        """Read the lists, and the flags of a feature, for a decision. Raises NotFound, ProviderRefused or a ProviderError."""
        found = self._project(project)
        if feature is None:
            self.elsewhere.refresh_lists(found)
        else:
            self.elsewhere.refresh(found, feature)

    def prefer(self, project: str, feature: str | None = None) -> None:
        """Read the same for a view, which shows the last known state if the other system can't be reached. Raises NotFound."""
        found = self._project(project)
        with suppress(ProviderError, ProviderRefused, FeatureNotFound):
            if feature is None:
                self.elsewhere.refresh_lists(found)
            else:
                self.elsewhere.refresh(found, feature, ttl=VIEW_TTL)

    def _project(self, key: str) -> Project:
        with self.database.reading() as store:
            return store.projects.get(key)
