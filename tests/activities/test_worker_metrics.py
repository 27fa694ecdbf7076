"""Metrics and log lines about each change, once."""

from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio.runtime import BufferedMetricUpdate, MetricBuffer, Runtime, TelemetryConfig

from activities.messages import Refused
from tests.activities.acting import ACTED, LATER, MADE, TWO_STAGES, change, change_by_hand, command_for, end_hold
from tests.pipelines import hold, pipeline
from tests.world import NOW, World

CHANGES, REFUSALS, LATENESS = "flaghoist_changes", "flaghoist_change_refusals", "flaghoist_change_lateness_seconds"


class Meter:
    """A Temporal meter that keeps its updates."""

    def __init__(self) -> None:
        self._buffer: MetricBuffer = MetricBuffer(1000)
        self.meter = Runtime(telemetry=TelemetryConfig(metrics=self._buffer)).metric_meter

    def sums(self) -> dict[tuple[str, str], float]:
        """Return metric and label -> the sum of the updates since the last call, without zeros."""
        sums: dict[tuple[str, str], float] = {}
        for update in self._buffer.retrieve_updates():
            place = (update.metric.name, _label(update))
            sums[place] = sums.get(place, 0) + update.value
        return {place: value for place, value in sums.items() if value}


def _label(update: BufferedMetricUpdate) -> str:
    return str(update.attributes.get("outcome") or update.attributes.get("code") or "")


@pytest.fixture
def meter() -> Meter:
    return Meter()


def test_change_is_counted_and_logged_once_with_its_lateness(shop: World, meter: Meter) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    command = command_for(shop, release, acts_at=NOW)

    with capture_logs() as logs:
        answers = [change(shop, command, at, meter.meter) for at in (ACTED, LATER)]

    assert answers == [MADE] * 2
    assert meter.sums() == {(CHANGES, "made"): 1, (LATENESS, ""): 60.0}
    place: dict[str, Any] = {"project": "shop", "feature": "checkout", "environment": "development", "stage": "Development"}
    assert logs == [{"event": "change_made", "log_level": "info", "release": release.id, "outcome": "made", "lateness": 60.0} | place]


def test_change_already_made_by_hand_is_counted_as_unchanged(shop: World, meter: Meter) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    change_by_hand(shop, enabled=True, value="one-page")

    change(shop, command_for(shop, release, acts_at=LATER), ACTED, meter.meter)

    assert meter.sums() == {(CHANGES, "unchanged"): 1}, "lateness is never below zero"


def test_refusal_is_counted_once_by_code_and_logged_without_flag_values(shop: World, meter: Meter) -> None:
    shop.publish(TWO_STAGES)
    release = shop.add()
    change_by_hand(shop, value="by-hand")
    command = command_for(shop, release)

    with capture_logs() as logs:
        answers = [change(shop, command, at, meter.meter) for at in (ACTED, LATER)]

    assert all(isinstance(answer, Refused) for answer in answers)
    assert meter.sums() == {(CHANGES, "refused"): 1, (REFUSALS, "flag_changed_by_hand"): 1}
    [line] = logs
    assert (line["event"], line["log_level"], line["release"]) == ("change_refused", "warning", release.id)
    assert (line["code"], line["lateness"]) == ("flag_changed_by_hand", 60.0)
    assert "by-hand" not in str(logs)


def test_step_without_a_change_is_logged(shop: World) -> None:
    shop.publish(pipeline(hold("Watch", "1h")))
    release = shop.add()

    with capture_logs() as logs:
        end_hold(shop, release)

    place = {"project": "shop", "release": release.id, "stage": "Watch"}
    assert logs == [{"event": "progress_recorded", "log_level": "info", "step": "hold_ended"} | place]
