"""When a stage may act by its windows and by freezes, whatever else it waits for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from domain.model import Frozen, Moment
from domain.pipelines.gate import Gate
from domain.pipelines.window import WindowGate
from domain.text import Description, Name, Slug

HORIZON = timedelta(days=400)
"""How far ahead we look for a moment at which all windows of a stage are open, freezes not counted."""


class Freeze(Frozen):
    """A named period in which nothing acts, in the whole project or in some environments."""

    id: str
    name: Name
    reason: Description = ""
    environments: tuple[Slug, ...] = ()
    starts_at: Moment
    ends_at: Moment
    made_by: str

    def holds(self, environment: str, at: datetime) -> bool:
        """Whether it keeps a stage there from acting at that time."""
        return self.starts_at <= at < self.ends_at and (not self.environments or environment in self.environments)


class Opening(Frozen):
    """The soonest that a stage may act, and what keeps it until then; none within the horizon where its windows never open together."""

    at: AwareDatetime | None
    window: bool = False
    freeze: Freeze | None = None


def next_opening(gates: Sequence[Gate], environment: str, at: datetime, freezes: Sequence[Freeze]) -> Opening:
    """When a stage that is due at that time may act. What is named is what keeps it first."""
    windows = [gate for gate in gates if isinstance(gate, WindowGate)]
    first = _frozen(environment, at, freezes)
    moment, since, misses_window = at, at, first is None and not all(window.is_open(at) for window in windows)
    while moment - since <= HORIZON:
        if freeze := _frozen(environment, moment, freezes):
            moment = since = freeze.ends_at
        elif shut := next((window for window in windows if not window.is_open(moment)), None):
            moment = shut.opens_at(moment)
        else:
            return Opening(at=moment, window=misses_window, freeze=first)
    return Opening(at=None, window=misses_window, freeze=first)


def _frozen(environment: str, at: datetime, freezes: Sequence[Freeze]) -> Freeze | None:
    held = [freeze for freeze in freezes if freeze.holds(environment, at)]
    return max(held, key=lambda freeze: freeze.ends_at, default=None)
