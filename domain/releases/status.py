"""The status of a release, and the outcomes of its stages."""

from enum import StrEnum


class ReleaseStatus(StrEnum):
    """The status of a release as a whole."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    BLOCKED = "blocked"
    ROLLING_BACK = "rolling_back"
    COMPLETED = "completed"
    REMOVED = "removed"
    ROLLED_BACK = "rolled_back"
    TERMINATED = "terminated"


FINISHED = frozenset({ReleaseStatus.COMPLETED, ReleaseStatus.REMOVED, ReleaseStatus.ROLLED_BACK, ReleaseStatus.TERMINATED})
UNFINISHED = frozenset(ReleaseStatus) - FINISHED


class StageOutcome(StrEnum):
    """The outcome of a stage, or of one visit to it."""

    NOT_RUN = "not_run"
    PENDING = "pending"
    ACTED = "acted"
    UNCHANGED = "unchanged"
    HELD = "held"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    REMOVED = "removed"
    ROLLED_BACK = "rolled_back"


def status_in_words(status: str) -> str:
    """Return a status or an outcome for people, without the underscores that it has on the wire."""
    return status.replace("_", " ")
