"""The response body of the system status."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from domain.duration import Duration
from domain.model import Moment
from domain.system import Lateness, SystemCondition, TemporalStatus, WorkerSeen, judge


class VersionsView(BaseModel):
    """The running versions. Temporal's is null while it can't be reached."""

    flaghoist: str
    temporal: str | None


class WorkerView(BaseModel):
    """A worker that polled Temporal within the last five minutes.

    `at_work` is false once it has been silent for longer than usual, or while it gets no work.
    """

    identity: str | None = Field(description="The process and its host. Null for keys without the instance role owner.")
    seen_at: Moment
    at_work: bool
    gets_work: bool = Field(description="False if Temporal gives the work to workers of another build, by worker versioning.")


class SystemView(BaseModel):
    """The state of the system. `worst_lateness` is the longest delay of a release that should continue by itself, overdue or not."""

    condition: SystemCondition
    summary: str
    versions: VersionsView
    database: Literal["reachable"]
    temporal: Literal["reachable", "unreachable"]
    workers: list[WorkerView]
    overdue_releases: int
    worst_lateness: Duration


def system_view(version: str, temporal: TemporalStatus, lateness: Lateness, at: datetime, *, names_workers: bool) -> SystemView:
    """Return the state of the system at this time."""
    verdict = judge(temporal, lateness, at)
    return SystemView(
        condition=verdict.condition,
        summary=verdict.message,
        versions=VersionsView(flaghoist=version, temporal=temporal.version),
        database="reachable",
        temporal="reachable" if temporal.reachable else "unreachable",
        workers=[_worker(worker, at, is_named=names_workers) for worker in temporal.workers],
        overdue_releases=lateness.overdue,
        worst_lateness=lateness.worst,
    )


def _worker(worker: WorkerSeen, at: datetime, *, is_named: bool) -> WorkerView:
    identity = worker.identity if is_named else None
    return WorkerView(identity=identity, seen_at=worker.seen_at, at_work=worker.is_at_work(at), gets_work=worker.gets_work)
