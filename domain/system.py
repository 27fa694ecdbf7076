"""The state of the system: whether what isn't moving waits as it should, or for an outage to end."""

from datetime import datetime, timedelta
from enum import StrEnum

from domain.duration import speak_duration
from domain.model import Frozen, Moment

LATELY = timedelta(seconds=75)
"""How long ago a living worker may have been seen: an idle one asks Temporal for work once a minute, and is seen when it asks."""


class WorkerSeen(Frozen):
    """A worker, and when it last asked Temporal for work."""

    identity: str
    seen_at: Moment

    def is_at_work(self, now: datetime) -> bool:
        """Whether it was seen lately."""
        return now - self.seen_at < LATELY


class Temporal(Frozen):
    """What Temporal told when it was asked; nothing is known of it, or of the workers, where it did not answer."""

    reachable: bool = False
    version: str | None = None
    workers: tuple[WorkerSeen, ...] = ()

    def at_work(self, now: datetime) -> int:
        """How many workers were seen lately."""
        return sum(worker.is_at_work(now) for worker in self.workers)


class Condition(StrEnum):
    """How the system is, as a whole."""

    OK = "ok"
    DELAYED = "delayed"
    NO_WORKER = "no_worker"
    TEMPORAL_UNAVAILABLE = "temporal_unavailable"


class Lateness(Frozen):
    """How many releases are overdue, and by how much the latest one is late."""

    overdue: int = 0
    worst: timedelta = timedelta()


class Verdict(Frozen):
    """The system's condition, and a sentence that tells an outage from a wait."""

    condition: Condition
    message: str


def judge(temporal: Temporal, lateness: Lateness, now: datetime) -> Verdict:
    """Whether something is wrong, the cause before what follows from it."""
    workers, late = temporal.at_work(now), _in_words(lateness)
    if not temporal.reachable:
        message = f"An outage: Temporal can't be reached or doesn't know the namespace, so no flag moves until it is back. {late}"
        return Verdict(condition=Condition.TEMPORAL_UNAVAILABLE, message=message)
    if workers == 0:
        message = f"An outage: no worker has asked Temporal for work lately, so no flag moves until one is started. {late}"
        return Verdict(condition=Condition.NO_WORKER, message=message)
    running = f"{workers} {'worker is' if workers == 1 else 'workers are'} running"
    if lateness.overdue:
        message = f"A delay: {late} {running}, so it is the database or the flag provider, or there is more to do than they can carry out."
        return Verdict(condition=Condition.DELAYED, message=message)
    return Verdict(condition=Condition.OK, message=f"No outage: {running} and nothing is overdue. What isn't moving waits as it should.")


def _in_words(lateness: Lateness) -> str:
    if not lateness.overdue:
        return "Nothing is overdue yet."
    releases = "1 release is" if lateness.overdue == 1 else f"{lateness.overdue} releases are"
    return f"{releases} overdue, the latest by {speak_duration(lateness.worst)}."
