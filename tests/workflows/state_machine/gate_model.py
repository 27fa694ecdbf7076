"""An independent model of what holds a due stage back, in whole minutes since the machine started."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

DAY = 24 * 60
MARGIN = 2
"""In minutes: times this close to a boundary may lie on either side of it."""


class WindowModel(NamedTuple):
    """A window that opens every day for the given duration."""

    at: int
    lasts: int
    timezone: str = "UTC"

    def is_open(self, at: int) -> bool:
        """True if a stage may act at that time."""
        return (at - self.at) % DAY < self.lasts

    def edges_near(self, at: int) -> list[int]:
        """Return the times around then at which the window opens and closes."""
        opened = at - (at - self.at) % DAY
        return [edge for day in (0, DAY) for edge in (opened + day, opened + day - DAY + self.lasts, opened + self.lasts)]


class ApprovalModel(NamedTuple):
    """An approval gate: the number of people, the time they have once the stage is due, and whether the requester may be one of them."""

    people: int
    within: int | None = None
    own: bool = False


class FreezeModel(NamedTuple):
    """A freeze of one environment or of all."""

    starts: int
    ends: int
    environment: str | None

    def holds(self, environment: str, at: int) -> bool:
        """True if nothing acts in that environment at that time."""
        return self.starts <= at < self.ends and self.environment in (None, environment)


class StopModel(NamedTuple):
    """A stop that was placed and not lifted."""

    environment: str | None
    pipeline: str | None
    expires: int | None
    placed_by: str


@dataclass
class StopsAndFreezes:
    """The project's stops and freezes, by the ids that the product gave them."""

    freezes: dict[str, FreezeModel] = field(default_factory=dict)
    stops: dict[str, StopModel] = field(default_factory=dict)

    def stops_over(self, environment: str, pipeline: str) -> list[StopModel]:
        """Return the stops whose scope covers a stage, including expired ones."""
        return [stop for stop in self.stops.values() if stop.environment in (None, environment) and stop.pipeline in (None, pipeline)]

    def freezes_over(self, environment: str) -> list[FreezeModel]:
        """Return the freezes of an environment, including past ones."""
        return [freeze for freeze in self.freezes.values() if freeze.environment in (None, environment)]


class HoldModel(NamedTuple):
    """The reason that a stage is held back, and until when, if that is known."""

    code: str
    until: int | None


class DueStage(NamedTuple):
    """A stage that is due."""

    environment: str
    pipeline: str
    gates: tuple[object, ...]
    due: int
    approvals: int
    """The number of people who approved; enough of them, if no approval is needed any more."""

    @property
    def windows(self) -> list[WindowModel]:
        """Its windows, which must all be open."""
        return [gate for gate in self.gates if isinstance(gate, WindowModel)]

    @property
    def deadline(self) -> int | None:
        """The time by which it must be approved."""
        return next((self.due + gate.within for gate in self.gates if isinstance(gate, ApprovalModel) and gate.within is not None), None)


def gate_hold(stage: DueStage, stops_and_freezes: StopsAndFreezes, at: int) -> HoldModel | None:
    """Return what holds the stage back: stops before freezes, windows and approvals. Returns None if it may act."""
    over = stops_and_freezes.stops_over(stage.environment, stage.pipeline)
    expiries = [stop.expires for stop in over if stop.expires is None or at < stop.expires]
    if expiries:
        return HoldModel("stopped", None if None in expiries else max(end for end in expiries if end is not None))
    if not _is_free(stage, stops_and_freezes, at):
        frozen = any(freeze.holds(stage.environment, at) for freeze in stops_and_freezes.freezes.values())
        free = (then for then in range(at, at + 10 * DAY) if _is_free(stage, stops_and_freezes, then))
        return HoldModel("freeze" if frozen else "window", next(free, None))
    approval = next((gate for gate in stage.gates if isinstance(gate, ApprovalModel)), None)
    return HoldModel("approval", stage.deadline) if approval and stage.approvals < approval.people else None


def is_near_edge(stage: DueStage, stops_and_freezes: StopsAndFreezes, at: int, woken: int | None) -> bool:
    """True if another hold than the one whose end woke the stage begins or ends so close that the result can't be predicted."""
    return any(edge != woken and abs(edge - at) <= MARGIN for edge in _edges(stage, stops_and_freezes, at))


def _is_free(stage: DueStage, stops_and_freezes: StopsAndFreezes, at: int) -> bool:
    """True if no freeze and no window holds the stage back at that time."""
    frozen = any(freeze.holds(stage.environment, at) for freeze in stops_and_freezes.freezes.values())
    return not frozen and all(window.is_open(at) for window in stage.windows)


def _edges(stage: DueStage, stops_and_freezes: StopsAndFreezes, at: int) -> Iterator[int]:
    for freeze in stops_and_freezes.freezes_over(stage.environment):
        yield from (freeze.starts, freeze.ends)
    over = stops_and_freezes.stops_over(stage.environment, stage.pipeline)
    yield from (stop.expires for stop in over if stop.expires is not None)
    for window in stage.windows:
        yield from window.edges_near(at)
    if stage.deadline is not None:
        yield stage.deadline
