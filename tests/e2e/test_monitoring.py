"""A real Prometheus scrapes the API and a worker, with the files in deploy, and answers every query of the dashboard."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack, running_stack
from tests.metrics.prometheus_server import PrometheusProcess
from tests.pipelines import pipeline, stage
from tests.receiver import receiving
from tests.repo.monitoring import ALERTS, names_in, queries, rules, scrape_configuration
from tests.waiting import wait_for

pytestmark = pytest.mark.e2e


def _configuration(stack: Stack) -> dict[str, Any]:
    """Return the configuration in deploy, with the processes of this stack for those of the Compose file."""
    ports = {"flaghoist-api": stack.port, "flaghoist-worker": stack.metrics_port}
    jobs = [{"job_name": each["job_name"]} for each in scrape_configuration()["scrape_configs"]]
    targets = [job | {"static_configs": [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]} for job in jobs]
    return {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(ALERTS)], "scrape_configs": targets}


def test_every_query_of_the_dashboard_has_data_and_every_alert_is_evaluated(tmp_path: Path, sqlite_url: str) -> None:
    with receiving() as team, running_stack(tmp_path, sqlite_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development")))
        stack.api.post("/projects/shop/webhooks", {"url": team.url(), "events": ["release.completed"]})
        stack.api.wait_for_release(stack.api.add()["id"], "completed")
        team.wait_for(1)
        server = PrometheusProcess(tmp_path, _configuration(stack))
        server.start()
        try:
            for query in queries():
                wait_for(f"data for {query}", partial(_has_data, server, query))
            wait_for("an evaluation", lambda: all(each["health"] == "ok" for each in _rules(server)))

            scraped = set(server.get("label/__name__/values"))
            named = set.union(*(names_in(query) for query in [*queries(), *(rule["expr"] for rule in rules())]))
            # Series that a healthy deployment without another flag system does not have.
            rare = {"flaghoist_provider_outages", "flaghoist_change_refusals_total", "temporal_request_failure_total"}
            assert {name for name in named if not {name, f"{name}_bucket"} & scraped} <= rare
            assert [each["name"] for each in _rules(server)] == [rule["alert"] for rule in rules()]
            assert {each["state"] for each in _rules(server)} == {"inactive"}
        finally:
            server.stop()


def _has_data(server: PrometheusProcess, query: str) -> bool:
    return server.value(query.replace("$__rate_interval", "1m")) is not None


def _rules(server: PrometheusProcess) -> list[dict[str, Any]]:
    return [rule for group in server.get("rules")["groups"] for rule in group["rules"]]
