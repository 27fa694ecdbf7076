"""What a worker tells of the changes that it makes: numbers for Prometheus, and a line each in the log."""

from datetime import datetime, timedelta

import structlog
from temporalio.common import MetricMeter

from activities.messages import ChangeFlag
from domain.errors import Refusal, blocking_code
from domain.flags.change import Change

LATENESS = "flaghoist_change_lateness_seconds"
LATENESS_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
OUTCOMES = MADE, UNCHANGED, REFUSED = "made", "unchanged", "refused"

log = structlog.get_logger()


class ChangeMetrics:
    """Tells of each change once, when the record has it; an attempt that finds it recorded is silent."""

    def __init__(self, meter: MetricMeter) -> None:
        self._changes = meter.create_counter("flaghoist_changes", "Changes that this worker made, found made already, or was refused.")
        self._refusals = meter.create_counter("flaghoist_change_refusals", "Changes that this worker was refused, by the refusal's code.")
        self._lateness = meter.create_histogram_float(LATENESS, "How long after it was due a change was made.")
        for outcome in OUTCOMES:  # From the start, so that the first one is seen as an increase.
            self._changes.add(0, {"outcome": outcome})

    def made(self, command: ChangeFlag, change: Change) -> None:
        """Tell of a change that is committed."""
        outcome, late = MADE if change.changed_anything else UNCHANGED, _lateness(command, change.made_at)
        self._changes.add(1, {"outcome": outcome})
        self._lateness.record(late)
        log.info("change_made", **_place(command, change.feature), outcome=outcome, lateness=late)

    def refused(self, command: ChangeFlag, feature: str, refusal: Refusal, at: datetime) -> None:
        """Tell of a refusal that is committed. Only its code: a refusal may quote what a flag holds."""
        self._changes.add(1, {"outcome": REFUSED})
        self._refusals.add(1, {"code": blocking_code(refusal)})
        place = _place(command, feature)
        log.warning("change_refused", **place, outcome=REFUSED, code=blocking_code(refusal), lateness=_lateness(command, at))


def _lateness(command: ChangeFlag, at: datetime) -> float:
    """In seconds. A timer may fire a moment before it is due."""
    return max(at - command.acts_at, timedelta()).total_seconds()


def _place(command: ChangeFlag, feature: str) -> dict[str, str]:
    place = {"project": command.project, "release": command.release, "feature": feature}
    return place | {"environment": command.environment, "stage": command.stage}
