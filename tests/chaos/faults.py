"""The faults of a run, drawn from a seed."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from workflows.policies import LOCAL_ACTIVITY_OPTIONS

PROCESSES = ("worker", "other-worker", "api", "temporal", "database")
SKEWED = ("worker", "other-worker", "api")
"""The processes whose clocks are skewed. The time of a release is Temporal's."""

KILL, STALL, REFUSE, FULL, BUSY, SILENT, ERRORS = "kill", "stall", "refuse", "full", "busy", "silent", "errors"
KINDS = {
    KILL: "processes are killed",
    STALL: "the network between a worker and Temporal stalls",
    REFUSE: "the database refuses writes",
    FULL: "the disk is full for workers, API and PostgreSQL",
}
"""The faults that are drawn."""

KINDS_ELSEWHERE = {
    **KINDS,
    SILENT: "the flag system accepts connections and never answers",
    ERRORS: "the flag system answers half of all requests with 429 or 500",
}
"""The faults that are drawn for a project whose flags are in another system."""

LONG_WRITE = "another writer keeps the database for longer than a local activity may take"
LONG_WRITE_SECONDS = LOCAL_ACTIVITY_OPTIONS["start_to_close_timeout"].total_seconds() + 3


class Fault(NamedTuple):
    """A fault: its start and duration in seconds, and the processes that are killed half-way through, with their clocks afterwards."""

    at: float
    kind: str
    lasts: float
    victims: tuple[str, ...]
    clocks: dict[str, int]


def schedule_for(seed: int, seconds: float, *, kinds: Sequence[str], processes: Sequence[str], skew: bool) -> list[Fault]:
    """Draw faults for that many seconds, one after another with a break between them. The same seed gives the same faults."""
    random = Random(f"faults {seed}")  # noqa: S311 (reproducible, not a secret)
    faults = list[Fault]()
    at = random.uniform(1, 3)
    while at < seconds:
        fault = _fault(random, at, kinds, processes, skew)
        faults.append(fault)
        at += fault.lasts + random.uniform(1, 4)
    return faults


def long_write(at: float) -> Fault:
    """Return the fault in which local activities time out while they wait to write. It is not drawn, because it takes so long."""
    return Fault(at, BUSY, LONG_WRITE_SECONDS, (), {})


def _fault(random: Random, at: float, kinds: Sequence[str], processes: Sequence[str], skew: bool) -> Fault:
    kind = random.choice([KILL, KILL, *kinds])
    lasts = random.uniform(0.2, 4) if kind == KILL else random.uniform(2, 8)
    several = random.choices([1, 2, len(processes)], [6, 3, 1])[0]
    victims = tuple(random.sample(processes, several)) if kind == KILL or random.random() < 0.4 else ()
    clocks = {each: random.choice((0, -180, -60, 60, 180)) for each in victims if each in SKEWED} if skew else {}
    return Fault(at, kind, lasts, victims, clocks)
