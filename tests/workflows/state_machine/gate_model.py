"""What holds a stage that is due, predicted in plain minutes since the play began: a second opinion on the domain's holding."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

DAY = 24 * 60
CLOSE = 2
"""What is so few minutes from a boundary may be on either side of it."""


class Opens(NamedTuple):
    """A window that opens every day, for so long."""

    at: int
    lasts: int
    timezone: str = "UTC"

    def is_open(self, at: int) -> bool:
        """Whether a stage may act then."""
        return (at - self.at) % DAY < self.lasts

    def edges_near(self, at: int) -> list[int]:
        """Where it opens and shuts around that time."""
        opened = at - (at - self.at) % DAY
        return [edge for day in (0, DAY) for edge in (opened + day, opened + day - DAY + self.lasts, opened + self.lasts)]


class Asks(NamedTuple):
    """So many people have to say yes, within so long after it is due; whoever added the flag may be one of them or not."""

    people: int
    within: int | None = None
    own: bool = False


Gates = tuple[Opens | Asks, ...]


class Frost(NamedTuple):
    """A freeze, of one environment or of all."""

    starts: int
    ends: int
    environment: str | None

    def holds(self, environment: str, at: int) -> bool:
        """Whether nothing acts there then."""
        return self.starts <= at < self.ends and self.environment in (None, environment)


class Halt(NamedTuple):
    """A stop that was placed and not lifted."""

    environment: str | None
    pipeline: str | None
    expires: int | None
    placed_by: str


@dataclass
class Guards:
    """What people have put in the way of all releases, by the identifiers that the product gave."""

    frosts: dict[str, Frost] = field(default_factory=dict)
    halts: dict[str, Halt] = field(default_factory=dict)

    def halts_over(self, environment: str, pipeline: str) -> list[Halt]:
        """Those in whose scope a stage is, expired ones too."""
        return [halt for halt in self.halts.values() if halt.environment in (None, environment) and halt.pipeline in (None, pipeline)]

    def frosts_over(self, environment: str) -> list[Frost]:
        """Those of an environment, past ones too."""
        return [frost for frost in self.frosts.values() if frost.environment in (None, environment)]


class Hold(NamedTuple):
    """What keeps a stage from acting, and until when, where that is known."""

    code: str
    until: int | None


class Due(NamedTuple):
    """A stage that is due, and where."""

    environment: str
    pipeline: str
    gates: Gates
    due: int
    yeses: int
    """Of how many people; as many as you like, where nobody is asked any more."""

    @property
    def windows(self) -> list[Opens]:
        """Its windows, which must all be open."""
        return [gate for gate in self.gates if isinstance(gate, Opens)]

    @property
    def deadline(self) -> int | None:
        """When those who are asked must have answered."""
        return next((self.due + gate.within for gate in self.gates if isinstance(gate, Asks) and gate.within is not None), None)


def hold_of(stage: Due, guards: Guards, at: int) -> Hold | None:
    """What holds it first, of stops, freezes, windows and approvals; nothing, where it may act."""
    halts = [halt.expires for halt in guards.halts_over(stage.environment, stage.pipeline) if halt.expires is None or at < halt.expires]
    if halts:
        return Hold("stopped", None if None in halts else max(end for end in halts if end is not None))
    if not _is_free(stage, guards, at):
        frozen = any(frost.holds(stage.environment, at) for frost in guards.frosts.values())
        opens = (then for then in range(at, at + 10 * DAY) if _is_free(stage, guards, then))
        return Hold("freeze" if frozen else "window", next(opens, None))
    asks = next((gate for gate in stage.gates if isinstance(gate, Asks)), None)
    return Hold("approval", stage.deadline) if asks and stage.yeses < asks.people else None


def is_close(stage: Due, guards: Guards, at: int, woken: int | None) -> bool:
    """Whether something begins or ends in these minutes, so that nobody can say what holds it; but for the end that woke it."""
    return any(edge != woken and abs(edge - at) <= CLOSE for edge in _edges(stage, guards, at))


def _is_free(stage: Due, guards: Guards, at: int) -> bool:
    """Whether no freeze and no window keeps it from acting then."""
    return not any(frost.holds(stage.environment, at) for frost in guards.frosts.values()) and all(w.is_open(at) for w in stage.windows)


def _edges(stage: Due, guards: Guards, at: int) -> Iterator[int]:
    for frost in guards.frosts_over(stage.environment):
        yield from (frost.starts, frost.ends)
    yield from (halt.expires for halt in guards.halts_over(stage.environment, stage.pipeline) if halt.expires is not None)
    for window in stage.windows:
        yield from window.edges_near(at)
    if stage.deadline is not None:
        yield stage.deadline
