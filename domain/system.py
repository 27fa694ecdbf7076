"""The state of the system: whether what isn't moving waits as it should, or for an outage to end."""

from datetime import datetime, timedelta
from enum import StrEnum

from domain.duration import speak_duration
from domain.model import Frozen, Moment

LATELY = timedelta(seconds=75)
"""How long ago a living worker may have been seen: an idle one asks Temporal for work once a minute, and is seen when it asks.

One that was killed, or hangs, is seen for as long: so it is said when a worker was seen, and not that it runs.
"""


class WorkerSeen(Frozen):
    """A worker, and when it last asked Temporal for work."""

    identity: str
    seen_at: Moment

    def is_at_work(self, now: datetime) -> bool:
        """Whether it was seen lately."""
        return now - self.seen_at < LATELY


class TemporalStatus(Frozen):
    """What Temporal told when it was asked; nothing is known of it, or of the workers, where it did not answer."""

    reachable: bool = False
    version: str | None = None
    workers: tuple[WorkerSeen, ...] = ()

    def at_work(self, now: datetime) -> int:
        """How many workers were seen lately."""
        return sum(worker.is_at_work(now) for worker in self.workers)

    def seen_in_words(self, now: datetime) -> str:
        """Those that were seen lately, and how long ago the last one was: `2 workers were seen lately, the last 43 s ago`."""
        ago = speak_duration(timedelta(seconds=max(0, int((now - max(worker.seen_at for worker in self.workers)).total_seconds()))))
        workers = self.at_work(now)
        return f"a worker was seen {ago} ago" if workers == 1 else f"{workers} workers were seen lately, the last {ago} ago"


WHY_LATE = "it may hang or have died since, not reach the database, or have more to do than it can carry out"
"""What may be the matter with a worker that was seen lately, while what it should do is late; the database answers whoever tells this."""


class SystemCondition(StrEnum):
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

    condition: SystemCondition
    message: str


def judge(temporal: TemporalStatus, lateness: Lateness, now: datetime) -> Verdict:
    """Whether something is wrong, the cause before what follows from it."""
    workers, late = temporal.at_work(now), _in_words(lateness)
    if not temporal.reachable:
        message = f"An outage: Temporal can't be reached or doesn't know the namespace, so no flag moves until it is back. {late}"
        return Verdict(condition=SystemCondition.TEMPORAL_UNAVAILABLE, message=message)
    if workers == 0:
        message = f"An outage: no worker has asked Temporal for work lately, so no flag moves until one is started. {late}"
        return Verdict(condition=SystemCondition.NO_WORKER, message=message)
    seen = temporal.seen_in_words(now)
    if lateness.overdue:
        message = f"A delay: {late} {seen[0].upper()}{seen[1:]}: {WHY_LATE}. Temporal and the database answer."
        return Verdict(condition=SystemCondition.DELAYED, message=message)
    return Verdict(
        condition=SystemCondition.OK, message=f"No outage: {seen}, and nothing is overdue. What isn't moving waits as it should."
    )


def _in_words(lateness: Lateness) -> str:
    if not lateness.overdue:
        return "Nothing is overdue yet."
    releases = "1 release is" if lateness.overdue == 1 else f"{lateness.overdue} releases are"
    return f"{releases} overdue, the latest by {speak_duration(lateness.worst)}."
