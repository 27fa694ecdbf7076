"""The embedded stack as a user runs it: it starts, survives kills, continues, and stops."""

import os
from pathlib import Path

import psutil
import pytest

from tests.embedded.running import RunningStack, settings_of
from tests.http import Api
from tests.waiting import CEILING, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("embedded")]


def demo_releases(api: Api) -> dict[str, str]:
    return {release["id"]: release["feature"] for release in api.get("/projects/webshop/releases")["items"]}


def test_the_demo_continues_after_everything_was_killed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    with RunningStack(settings) as first:
        first.wait_for_line("one-page-checkout", "development: off → on")
        added = demo_releases(first.api)
        first.kill_everything()
        assert first.children() == {}

    with RunningStack(settings) as second:
        second.wait_for_line("The demo is project 'webshop': its releases ")
        second.wait_for_line("free-shipping-from", "Everyone", "completed")
        for release, feature in added.items():
            # On a slow machine the worker may complete a release before the demo is loaded again.
            is_listed = any("continues" in line and feature in line and release in line for line in second.lines)
            assert is_listed or second.api.release(release, "webshop")["ended_at"]

        assert demo_releases(second.api) == added
        assert not any("added to" in line for line in second.lines)
        children = second.children()
        assert sorted(children) == ["api", "temporal", "worker"]

        assert second.interrupt() == 0
        assert not any(process.is_running() for process in children.values())
        assert second.lines[-1].startswith("Stopped.")
        log = second.home.joinpath("logs", "api.log").read_text()
        assert "/api/v1/projects/{project}/releases" in log
        assert "/audit" not in log, "the stack reads the audit log from the database"


def test_dead_children_are_restarted_and_those_of_a_killed_run_are_stopped(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    with RunningStack(settings, "--no-demo") as first:
        first.wait_for_line("Ctrl-C")
        before = first.children()
        assert all(has_own_session(process) for process in before.values())
        assert first.home.joinpath("bootstrap.key").stat().st_mode & 0o777 == 0o600
        assert first.api.get("/projects")["items"] == []

        for name in ("worker", "api"):
            before[name].kill()
            first.wait_for_line(f"The {name} process died (signal 9)")
        wait_for_api(first)
        assert first.children()["worker"].pid != before["worker"].pid
        orphans = first.children()
        first.process.kill()
        first.process.wait(CEILING)

        with RunningStack(settings, "--no-demo") as second:
            second.wait_for_line("Stopping the processes that it left behind: ")
            second.wait_for_line("Ctrl-C")
            assert not any(process.is_running() for process in orphans.values())
            assert second.interrupt() == 0
            assert second.children() == {}


def has_own_session(process: psutil.Process) -> bool:
    """True if Ctrl-C in the supervisor's terminal does not reach the process."""
    return os.getsid(process.pid) == process.pid


def wait_for_api(stack: RunningStack) -> None:
    stack.api.wait_until_ready()
    wait_for("the worker", lambda: "worker" in stack.children())
