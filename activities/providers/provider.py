"""What a flag system must do for us."""

from datetime import datetime
from typing import Protocol

from domain.flags.change import PlannedChange
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch


class FlagProvider(Protocol):
    """Where the flags of a project live.

    A provider promises: patching twice is the same as patching once; fields that a patch does not name are left alone;
    an unknown flag, environment or segment, or a value of the wrong type, is a Refusal; everything else may be retried.
    """

    def read(self, feature: str, environment: str) -> FlagState:
        """The flag as it is now. Raises NotFound."""
        ...

    def patch(self, feature: str, environment: str, patch: FlagPatch, at: datetime) -> PlannedChange:
        """Change the named fields, all or nothing. Raises NotFound or Invalid."""
        ...
