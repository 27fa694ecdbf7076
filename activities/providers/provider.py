"""The interface of a flag system: every read and write of a flag's state goes through it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.flags.change import PlannedChange
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.project import Segment


class FlagPlace(NamedTuple):
    """A feature and one of the environments in which it is evaluated."""

    feature: str
    environment: str


class FlagProvider(Protocol):
    """The flags of one project, addressed by the keys of features, environments and segments.

    Every provider keeps these promises:

    - Patching twice is the same as patching once, and leaves fields alone that the patch does not name.
    - An unknown flag, environment or segment, or a value of the wrong type, is a Refusal. Every other error may be retried.
    - Only `read` and `patch` lock. Every method sees what was patched earlier in the same transaction.
    """

    def read(self, feature: str, environment: str) -> FlagState:
        """Return a flag's state before a change to it, and lock the feature until the transaction ends.

        Raises FeatureNotFound or EnvironmentNotFound.
        """
        ...

    def plan(self, feature: str, environment: str, patch: FlagPatch) -> PlannedChange:
        """Return what `patch` would do, and lock as `read` does. Raises NotFound or Invalid."""
        ...

    def patch(self, feature: str, environment: str, patch: FlagPatch, at: datetime) -> PlannedChange:
        """Change the named fields, all or nothing, and lock as `read` does. Raises NotFound, Invalid or FlagsKeptElsewhere."""
        ...

    def look(self, feature: str, environment: str) -> FlagState:
        """Return a flag's state, without a lock. Raises FeatureNotFound or EnvironmentNotFound."""
        ...

    def look_all(self, features: Collection[str]) -> Mapping[str, Mapping[str, FlagState]]:
        """Return feature -> environment -> state for every environment, without a lock. Unknown features are left out."""
        ...

    def environments(self) -> frozenset[str]:
        """Return the environments in which flags can be changed."""
        ...

    def segments(self) -> frozenset[str]:
        """Return the segments for which flags can be overridden."""
        ...

    def definitions_of(self, segments: Collection[str]) -> Mapping[str, Segment]:
        """Return segment -> its definition, without a lock. Unknown segments are left out."""
        ...

    def overridden_for(self, segment: str) -> list[FlagPlace]:
        """Return every flag that has an override for the segment, by feature and environment; none if it is unknown."""
        ...
