"""The faults of a run, drawn from a seed."""

import re
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from workflows.policies import LOCAL_ACTIVITY_OPTIONS

SKEWED = re.compile("(other-)?worker(-[0-9])?|api(-[0-9])?")
"""The names of the processes whose clocks are skewed. The time of a release is Temporal's."""

KILL, STALL, REFUSE, FULL, BUSY, SILENT, ERRORS = "kill", "stall", "refuse", "full", "busy", "silent", "errors"
FROZEN, HELD, CUT, SLOW = "frozen", "held", "cut", "slow"
SENTENCES = {
    KILL: "processes are killed",
    STALL: "the network between a worker and Temporal stalls",
    REFUSE: "the database refuses writes",
    FULL: "the disk is full for workers, API and PostgreSQL",
    BUSY: "another writer keeps the database for longer than a local activity may take",
    SILENT: "the flag system accepts connections and never answers",
    ERRORS: "the flag system answers half of all requests with 429 or 500",
    FROZEN: "PostgreSQL accepts connections and never answers",
    HELD: "the network to a part of Temporal stalls",
    CUT: "the network to a part of Temporal is cut",
    SLOW: "the network to a part of Temporal is slow",
}

KINDS = (KILL, STALL, REFUSE, FULL)
"""The faults that are drawn for one machine."""

KINDS_ELSEWHERE = (SILENT, ERRORS)
"""The faults that are drawn besides if the flags are in another system."""

NETWORK = (HELD, CUT, SLOW)
KINDS_OF_CLUSTER = (KILL, REFUSE, FULL, FROZEN, *NETWORK)
"""The faults that are drawn for a cluster."""

LONG_WRITE_SECONDS = LOCAL_ACTIVITY_OPTIONS["start_to_close_timeout"].total_seconds() + 3


class Fault(NamedTuple):
    """A fault: its start and duration in seconds, and the processes that are killed half-way through, with their clocks afterwards."""

    at: float
    kind: str
    lasts: float
    victims: tuple[str, ...]
    clocks: dict[str, int]
    place: str = ""
    """The part to which the network fails."""

    def __str__(self) -> str:
        """The fault in words."""
        killed = ", ".join(self.victims)
        if self.kind == KILL:
            return f"{SENTENCES[KILL]}: {killed}"
        place = f": {self.place}" if self.place else ""
        return f"{SENTENCES[self.kind]}{place}{f'; {SENTENCES[KILL]}: {killed}' if killed else ''}"


class Breakables(NamedTuple):
    """Everything that can be broken: the kinds of faults, the processes, and the parts to which the network can fail."""

    kinds: Sequence[str]
    processes: Sequence[str]
    places: Sequence[str] = ()


def schedule_for(seed: int, seconds: float, breakables: Breakables, *, skew: bool) -> list[Fault]:
    """Draw faults for that many seconds, one after another with a break between them. The same seed gives the same faults."""
    random = Random(f"faults {seed}")  # noqa: S311 (reproducible, not a secret)
    faults = list[Fault]()
    at = random.uniform(1, 3)
    while at < seconds:
        fault = _fault(random, at, breakables, skew)
        faults.append(fault)
        at += fault.lasts + random.uniform(1, 4)
    return faults


def long_write(at: float) -> Fault:
    """Return the fault in which local activities time out while they wait to write. It is not drawn, because it takes so long."""
    return Fault(at, BUSY, LONG_WRITE_SECONDS, (), {})


def _fault(random: Random, at: float, breakables: Breakables, skew: bool) -> Fault:
    kind = random.choice([KILL, KILL, *breakables.kinds])
    lasts = random.uniform(0.2, 4) if kind == KILL else random.uniform(2, 8)
    several = random.choices([1, 2, len(breakables.processes)], [6, 3, 1])[0]
    victims = tuple(random.sample(breakables.processes, several)) if kind == KILL or random.random() < 0.4 else ()
    clocks = {each: random.choice((0, -180, -60, 60, 180)) for each in victims if SKEWED.fullmatch(each)} if skew else {}
    return Fault(at, kind, lasts, victims, clocks, random.choice(breakables.places) if kind in NETWORK else "")
