"""Freezes, and the times at which windows and freezes allow a stage to act."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from domain.entity_tag import entity_tag
from domain.model import Frozen, Moment
from domain.pipelines.gate import Gate
from domain.pipelines.window import WindowGate
from domain.text import Description, Name, Slug

HORIZON = timedelta(days=400)
"""The limit of the search for a time at which all windows of a stage are open, not counting freezes."""


class Freeze(Frozen):
    """A named period in which nothing acts, in the whole project or in some environments."""

    id: str
    name: Name
    reason: Description = ""
    environments: tuple[Slug, ...] = ()
    starts_at: Moment
    ends_at: Moment
    made_by: str

    @property
    def etag(self) -> str:
        """The entity tag of the freeze."""
        return entity_tag(self)

    def holds(self, environment: str, at: datetime) -> bool:
        """True if it keeps stages in that environment from acting at that time."""
        return self.starts_at <= at < self.ends_at and (not self.environments or environment in self.environments)


class Opening(Frozen):
    """The earliest time at which a stage may act, and what holds it back first.

    `at` is None if its windows do not open together within the horizon.
    """

    at: AwareDatetime | None
    window: bool = False
    freeze: Freeze | None = None


def next_opening(gates: Sequence[Gate], environment: str, at: datetime, freezes: Sequence[Freeze]) -> Opening:
    """Return when a stage that is due at that time may act, and what holds it back at that time."""
    windows = [gate for gate in gates if isinstance(gate, WindowGate)]
    first_freeze = _freeze_at(environment, at, freezes)
    moment, since = at, at
    misses_window = first_freeze is None and not all(window.is_open(at) for window in windows)
    while moment - since <= HORIZON:
        if freeze := _freeze_at(environment, moment, freezes):
            moment = since = freeze.ends_at
        elif closed := next((window for window in windows if not window.is_open(moment)), None):
            moment = closed.opens_at(moment)
        else:
            return Opening(at=moment, window=misses_window, freeze=first_freeze)
    return Opening(at=None, window=misses_window, freeze=first_freeze)


def _freeze_at(environment: str, at: datetime, freezes: Sequence[Freeze]) -> Freeze | None:
    """Return the freeze that holds there at that time; of several, the one that ends last."""
    active = [freeze for freeze in freezes if freeze.holds(environment, at)]
    return max(active, key=lambda freeze: freeze.ends_at, default=None)
