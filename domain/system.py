"""The health of the system: distinguishes releases that wait as planned from releases held up by an outage."""

from datetime import datetime, timedelta
from enum import StrEnum

from domain.duration import speak_duration
from domain.model import Frozen, Moment

LATELY = timedelta(seconds=75)
"""Maximum time since a live worker was last seen: an idle worker polls Temporal once a minute, and is seen when it polls.

A worker that was killed or is stuck also counts as seen for this long. So we report when a worker was seen, not that it is running.
"""


class WorkerSeen(Frozen):
    """A worker, with the time of its last poll."""

    identity: str
    seen_at: Moment
    gets_work: bool = True
    """False if Temporal gives the work to workers of another build, by worker versioning."""

    def is_seen(self, now: datetime) -> bool:
        """True if the worker was seen recently."""
        return now - self.seen_at < LATELY

    def is_at_work(self, now: datetime) -> bool:
        """True if the worker was seen recently and gets work."""
        return self.gets_work and self.is_seen(now)


class TemporalStatus(Frozen):
    """The result of a health check of Temporal. If it is unreachable, its version and the workers are unknown.

    `rejection` is a sentence with the remedy if Temporal can't be used until somebody acts.
    """

    reachable: bool = False
    rejection: str | None = None
    version: str | None = None
    workers: tuple[WorkerSeen, ...] = ()

    def at_work(self, now: datetime) -> int:
        """Return the number of workers seen recently that get work."""
        return sum(worker.is_at_work(now) for worker in self.workers)

    def why_none_is_at_work(self, now: datetime) -> str:
        """Return the reason why no worker is at work, as a clause."""
        if any(worker.is_seen(now) for worker in self.workers):
            return WITHOUT_WORK
        return "no worker has polled Temporal recently"

    def seen_in_words(self, now: datetime) -> str:
        """Describe the workers seen recently: `2 workers were seen recently, the last 43 s ago`."""
        latest = max(worker.seen_at for worker in self.workers if worker.gets_work)
        ago = speak_duration(timedelta(seconds=max(0, int((now - latest).total_seconds()))))
        workers = self.at_work(now)
        return f"a worker was seen {ago} ago" if workers == 1 else f"{workers} workers were seen recently, the last {ago} ago"


WHY_LATE = "workers may be stuck or overloaded, have crashed, or be unable to reach the database"
"""Possible causes if a worker was seen recently and work is late. It is shown only if the API can reach the database."""


WITHOUT_WORK = (
    "workers poll, but Temporal gives none of them work, because the current version of their deployment is another build: "
    "see `temporal worker deployment set-current-version`"
)
"""The reason why nothing moves although workers were seen."""


class SystemCondition(StrEnum):
    """The overall condition of the system."""

    OK = "ok"
    DELAYED = "delayed"
    NO_WORKER = "no_worker"
    TEMPORAL_UNAVAILABLE = "temporal_unavailable"


class Lateness(Frozen):
    """The number of overdue releases, and the longest delay."""

    overdue: int = 0
    worst: timedelta = timedelta()


class Verdict(Frozen):
    """The system's condition, with a sentence that distinguishes an outage from a wait."""

    condition: SystemCondition
    message: str


def judge(temporal: TemporalStatus, lateness: Lateness, now: datetime) -> Verdict:
    """Return the condition of the system. A cause takes precedence over its consequences."""
    late = _in_words(lateness)
    if not temporal.reachable:
        cause = temporal.rejection or "Temporal can't be reached or doesn't know the namespace."
        message = f"An outage: {cause} No flag moves until {'that is repaired' if temporal.rejection else 'it is back'}. {late}"
        return Verdict(condition=SystemCondition.TEMPORAL_UNAVAILABLE, message=message)
    if temporal.at_work(now) == 0:
        message = f"An outage: {temporal.why_none_is_at_work(now)}. No flag moves until a worker gets work. {late}"
        return Verdict(condition=SystemCondition.NO_WORKER, message=message)
    seen = temporal.seen_in_words(now)
    if lateness.overdue:
        message = f"A delay: {late} {seen[0].upper()}{seen[1:]}: {WHY_LATE}. Temporal and the database are reachable."
        return Verdict(condition=SystemCondition.DELAYED, message=message)
    return Verdict(
        condition=SystemCondition.OK,
        message=f"No outage: {seen}, and nothing is overdue. Any release that isn't moving is waiting as planned.",
    )


def _in_words(lateness: Lateness) -> str:
    if not lateness.overdue:
        return "Nothing is overdue yet."
    releases = "1 release is" if lateness.overdue == 1 else f"{lateness.overdue} releases are"
    return f"{releases} overdue, by up to {speak_duration(lateness.worst)}."
