"""A real worker tells Prometheus what it did, from one endpoint for Temporal's metrics and ours."""

from pathlib import Path

import pytest

from activities.record.worker_metrics import LATENESS, LATENESS_BUCKETS
from tests.e2e.stack import running_stack, wait_for
from tests.pipelines import pipeline, set_value, stage
from tests.prometheus import Scrape

pytestmark = pytest.mark.e2e

VALUES = pipeline(
    stage("Development", actions=[set_value("one-page")]),
    stage("Again", wait="1s", actions=[set_value("one-page")]),
    stage("Staging", "staging", "1s", actions=[set_value("one-page")]),
)


def test_a_worker_is_scraped_after_a_change_an_unchanged_one_and_a_refused_one(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api, address = stack.api, f"http://127.0.0.1:{stack.metrics_port}"
        api.make_project()
        api.publish(VALUES)
        before = Scrape(address)

        added = api.add()
        api.patch("/projects/shop/environments/staging/features/checkout", {"value": "by-hand"})
        api.wait_for_release(added["id"], "blocked")
        wait_for("the refusal is counted", lambda: Scrape(address).value("flaghoist_changes_total", outcome="refused") == 1)

        scrape = Scrape(address)
        outcomes = {outcome: scrape.value("flaghoist_changes_total", outcome=outcome) for outcome in ("made", "unchanged", "refused")}
        assert {outcome: before.value("flaghoist_changes_total", outcome=outcome) for outcome in outcomes} == dict.fromkeys(outcomes, 0)
        assert outcomes == {"made": 1, "unchanged": 1, "refused": 1}
        assert scrape.value("flaghoist_change_refusals_total", code="flag_changed_by_hand") == 1
        assert scrape.value(f"{LATENESS}_count") == 2
        assert 0 < (scrape.value(f"{LATENESS}_sum") or 0) < 60
        bounds = {float(bound) for bound in scrape.labels(f"{LATENESS}_bucket", "le")}
        assert bounds == {*LATENESS_BUCKETS, float("inf")}
        assert "temporal_activity_execution_latency_seconds_bucket" in scrape.text
        assert Scrape(api.address).value("flaghoist_releases", status="blocked") == 1
        assert "service_name" not in scrape.text
