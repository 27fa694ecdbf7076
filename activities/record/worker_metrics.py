"""Metrics and log lines about the changes that a worker makes."""

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
    """Counters and log lines for each change, once, after its commit. An attempt that finds its change recorded reports nothing."""

    def __init__(self, meter: MetricMeter) -> None:
        self._changes = meter.create_counter("flaghoist_changes", "Changes by outcome: made, unchanged (already at the target) or refused.")
        self._refusals = meter.create_counter("flaghoist_change_refusals", "Refused changes by the code of the refusal.")
        self._lateness = meter.create_histogram_float(LATENESS, "Time from when a change was due until it was made.")
        for outcome in OUTCOMES:  # Start at zero, so that the first change counts as an increase.
            self._changes.add(0, {"outcome": outcome})

    def made(self, command: ChangeFlag, change: Change) -> None:
        """Report a committed change."""
        outcome, lateness = MADE if change.changed_anything else UNCHANGED, _lateness(command, change.made_at)
        self._changes.add(1, {"outcome": outcome})
        self._lateness.record(lateness)
        log.info("change_made", **_log_fields(command, change.feature), outcome=outcome, lateness=lateness)

    def refused(self, command: ChangeFlag, feature: str, refusal: Refusal, at: datetime) -> None:
        """Report a committed refusal by its code alone, because its message may quote a flag's value."""
        self._changes.add(1, {"outcome": REFUSED})
        self._refusals.add(1, {"code": blocking_code(refusal)})
        fields = _log_fields(command, feature)
        log.warning("change_refused", **fields, outcome=REFUSED, code=blocking_code(refusal), lateness=_lateness(command, at))


def _lateness(command: ChangeFlag, at: datetime) -> float:
    """Return the lateness in seconds, never below zero: a timer may fire a moment early."""
    return max(at - command.acts_at, timedelta()).total_seconds()


def _log_fields(command: ChangeFlag, feature: str) -> dict[str, str]:
    return {
        "project": command.project,
        "release": command.release,
        "feature": feature,
        "environment": command.environment,
        "stage": command.stage,
    }
