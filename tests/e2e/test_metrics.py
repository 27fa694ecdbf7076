"""A real worker serves Temporal's metrics and ours to Prometheus from one endpoint."""

import socket
from pathlib import Path

import pytest

from activities.record.worker_metrics import LATENESS, LATENESS_BUCKETS
from tests.e2e.stack import running_stack
from tests.pipelines import pipeline, set_value, stage
from tests.prometheus import Scrape
from tests.waiting import wait_for

pytestmark = pytest.mark.e2e

VALUES = pipeline(
    stage("Development", actions=[set_value("one-page")]),
    stage("Again", actions=[set_value("one-page")]),
    stage("Staging", "staging", actions=[set_value("one-page")]),
)


def listens(port: int) -> bool:
    """True if something accepts connections there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_worker_counts_a_change_an_unchanged_flag_and_a_refused_change(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api, address = stack.api, f"http://127.0.0.1:{stack.metrics_port}"
        api.make_project()
        api.publish(VALUES)
        wait_for("the worker to serve metrics", lambda: listens(stack.metrics_port))
        before = Scrape(address)
        # A worker that ran could pass the stage before the flag is changed by hand.
        stack.worker.kill()

        added = api.add()
        api.patch("/projects/shop/environments/staging/features/checkout", {"value": "by-hand"})
        stack.worker.start()
        api.wait_for_release(added["id"], "blocked")
        wait_for("the refusal to be counted", lambda: Scrape(address).value("flaghoist_changes_total", outcome="refused") == 1)

        scrape = Scrape(address)
        outcomes = {outcome: scrape.value("flaghoist_changes_total", outcome=outcome) for outcome in ("made", "unchanged", "refused")}
        assert {outcome: before.value("flaghoist_changes_total", outcome=outcome) for outcome in outcomes} == dict.fromkeys(outcomes, 0)
        assert outcomes == {"made": 1, "unchanged": 1, "refused": 1}
        assert scrape.value("flaghoist_change_refusals_total", code="flag_changed_by_hand") == 1
        assert scrape.value(f"{LATENESS}_count") == 2
        assert (scrape.value(f"{LATENESS}_sum") or 0) > 0
        bounds = {float(bound) for bound in scrape.labels(f"{LATENESS}_bucket", "le")}
        assert bounds == {*LATENESS_BUCKETS, float("inf")}
        assert "temporal_local_activity_execution_latency_seconds_bucket" in scrape.text
        assert Scrape(api.address).value("flaghoist_releases", status="blocked") == 1
        assert "service_name" not in scrape.text
