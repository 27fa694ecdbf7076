"""A guardrail on a real Prometheus: a breach restores the flag for a connected application, whatever is down."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.stack import Stack, running_stack
from tests.metrics.prometheus_server import PrometheusServer, running_prometheus
from tests.official import openfeature_with_ofrep, somebody
from tests.pipelines import enable, hold, pipeline, stage
from tests.waiting import sleep_until, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("prometheus")]

GOOD, BAD = 'errors{flag="checkout"} 0.001', 'errors{flag="checkout"} 0.5'
SEEN = 'errors{flag="checkout"}'


class Guarded(NamedTuple):
    """A running stack with a guarded release, an application that asks for the flag, and Prometheus."""

    stack: Stack
    prometheus: PrometheusServer
    release: str
    reason: Callable[[], str | None]
    """Asks the application's SDK for the reason of the value it serves."""

    def expose(self, line: str) -> None:
        """Change the metric, and wait until Prometheus has the new value."""
        value = line.rpartition(" ")[2]
        self.prometheus.expose(line, until=f"{SEEN} == {value}")


def guarded(**more: Any) -> dict[str, Any]:
    """Return a pipeline whose guardrail is in force after production was changed."""
    condition = {"type": "THRESHOLD", "at_most": 0.01}
    errors = {"name": "Errors", "metric": "error-rate", "condition": condition, "stages": ["Everyone"], "on_breach": "rollback"}
    usual = {"every": "5s", "failures": 1}
    stages = stage("Beta users", "production", actions=[enable()]), stage("Everyone", "production", more.pop("wait", "1h"))
    return pipeline(*stages, hold("Watch", "1h"), guardrails=[errors | usual | more])


@contextmanager
def guarded_release(folder: Path, database_url: str, **more: Any) -> Iterator[Guarded]:
    """Run everything until the guarded stage is entered and its guardrail has passed once."""
    with ExitStack() as parts:
        prometheus = parts.enter_context(running_prometheus(folder))
        prometheus.expose(GOOD, until=SEEN)
        stack = parts.enter_context(running_stack(folder, database_url))
        api = stack.api
        api.make_project()
        api.post("/projects/shop/sources", {"key": "prometheus", "name": "Prometheus", "kind": "prometheus", "address": prometheus.address})
        query = 'errors{flag="{feature}"}'
        api.post(
            "/projects/shop/metrics", {"key": "error-rate", "name": "Error rate", "source": "prometheus", "query": query, "max_age": "10s"}
        )
        api.publish(guarded(**more))
        key = api.get("/projects/shop/environments/production")["client_key"]
        client = parts.enter_context(openfeature_with_ofrep(api.address, key))

        def reason() -> str | None:
            return client.get_string_details("checkout", "unknown", somebody("u1")).reason

        release = str(api.add()["id"])
        wait_for("a passing sample", lambda: outcomes(stack, release)[-1:] == ["pass"])
        yield Guarded(stack, prometheus, release, reason)


def outcomes(stack: Stack, release: str) -> list[str]:
    """Return the outcomes of the guardrail's samples."""
    watches = stack.api.get(f"/projects/shop/releases/{release}/samples")["watches"]
    return [sample["outcome"] for watch in watches for sample in watch["samples"]]


def enabled(stack: Stack) -> bool:
    """True if the flag is on in production."""
    return bool(stack.api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"])


def test_breach_restores_the_flag_for_a_connected_application(tmp_path: Path, sqlite_url: str) -> None:
    with guarded_release(tmp_path, sqlite_url) as found:
        assert found.reason() == "STATIC"

        found.expose(BAD)
        wait_for("the former state at the application", lambda: found.reason() == "DISABLED")

        release = found.stack.api.wait_for_release(found.release, "rolled_back")
        assert release["rollback"]["by"] == "guardrail 'Errors'"
        assert "0.5" in release["rollback"]["reason"]
        events = [entry["event"] for entry in found.stack.api.get(f"/projects/shop/audit?release={found.release}")["items"]]
        assert "guardrail.breached" in events


def test_breach_is_taken_while_temporal_is_down(tmp_path: Path, sqlite_url: str) -> None:
    with guarded_release(tmp_path, sqlite_url) as found:
        found.stack.temporal.kill()

        found.expose(BAD)
        wait_for("the rollback", lambda: not enabled(found.stack))
        assert found.stack.api.release(found.release)["status"] == "rolled_back"

        found.stack.temporal.start()
        found.stack.api.wait_for_release(found.release, "rolled_back")


def test_another_worker_takes_the_breach_if_the_watching_one_dies(tmp_path: Path, sqlite_url: str) -> None:
    with guarded_release(tmp_path, sqlite_url) as found:
        found.stack.worker.kill()
        found.stack.other_worker.start()

        found.expose(BAD)
        wait_for("the rollback", lambda: not enabled(found.stack))


def test_another_worker_takes_the_breach_if_the_watching_one_dies_while_temporal_is_down(tmp_path: Path, sqlite_url: str) -> None:
    with guarded_release(tmp_path, sqlite_url) as found:
        found.stack.other_worker.start()
        wait_for("both workers", lambda: len(found.stack.api.get("/status")["workers"]) == 2)
        found.stack.temporal.kill()
        found.stack.worker.kill()

        found.expose(BAD)
        wait_for("the rollback", lambda: not enabled(found.stack))


def test_stage_does_not_act_after_a_soak_in_which_nobody_watched(tmp_path: Path, sqlite_url: str) -> None:
    with guarded_release(tmp_path, sqlite_url, wait="15s", failures=2) as found:
        found.stack.worker.kill()
        found.expose(BAD)
        sleep_until(datetime.fromisoformat(found.stack.api.release(found.release)["acts_at"]))
        found.expose(GOOD)
        found.stack.worker.start()

        release = found.stack.api.wait_for_release(found.release, "rolled_back")
        assert not enabled(found.stack)
        assert [visit["outcome"] for visit in release["history"]][-1] == "rolled_back"


def test_stage_waits_while_prometheus_is_down(tmp_path: Path, sqlite_url: str) -> None:
    with guarded_release(tmp_path, sqlite_url, wait="10s") as found:
        found.prometheus.stop()
        waiting = wait_for(
            "the stage to be held back",
            lambda: (each := found.stack.api.release(found.release)["waiting_for"]) and each["code"] == "guardrail" and each,
        )
        assert "can't tell" in waiting["message"]

        found.prometheus.start()
        found.stack.api.wait_for_stage(found.release, "Watch")
