"""From outside: what holds a stage holds it although workers were dead when it was decided, or when it came due."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack, running_stack, wait_for
from tests.http import Api
from tests.pipelines import approval, enable, hold, pipeline, rollout, stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PRODUCTION = "/projects/shop/environments/production/features/checkout"
GRANT = {"project": "shop", "role": "operator", "environments": ["production"]}


def added(stack: Stack, *stages: dict[str, Any]) -> str:
    """A flag on its way through these stages."""
    stack.api.make_project()
    stack.api.publish(pipeline(*stages))
    return str(stack.api.add()["id"])


def held_by(api: Api, release: str) -> str | None:
    """The code of what the release waits for."""
    waiting = api.release(release)["waiting_for"]
    return waiting and str(waiting["code"])


def is_on(api: Api) -> bool:
    """Whether the flag is on in production."""
    return bool(api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"])


def instant(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def test_a_stop_placed_while_every_worker_is_dead_holds_when_they_come_back(tmp_path: Path, database_url: str) -> None:
    with running_stack(tmp_path, database_url) as stack:
        stack.other_worker.start()
        release = added(stack, stage("Everyone", "production", "4s"))
        due_at = instant(stack.api.wait_for_release(release, "running")["acts_at"])
        stack.worker.kill()
        stack.other_worker.kill()

        stop = stack.api.post("/projects/shop/stops", {"reason": "orders fail", "environment": "production"})
        time.sleep(max((due_at - datetime.now(UTC)).total_seconds(), 0) + 1)
        stack.worker.start()
        stack.other_worker.start()

        wait_for("the stop to hold the stage", lambda: held_by(stack.api, release) == "stopped", 60)
        time.sleep(2)
        assert not is_on(stack.api)
        assert "orders fail" in stack.api.release(release)["waiting_for"]["message"]
        lifted = stack.api.post(f"/projects/shop/stops/{stop['id']}/lift", {"reason": "they don't"})
        done = stack.api.wait_for_release(release, "completed")
        assert instant(done["history"][0]["acted_at"]) > instant(lifted["lifted_at"])
        assert is_on(stack.api)


def test_a_stop_placed_in_the_second_in_which_stages_are_due_lets_none_act_after_it(tmp_path: Path, database_url: str) -> None:
    flags = [f"flag-{number}" for number in range(12)]
    with running_stack(tmp_path, database_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Everyone", "production", "4s", [enable()])))
        for flag in flags:
            stack.api.post("/projects/shop/features", {"key": flag})
        releases = [stack.api.add(flag)["id"] for flag in flags]
        due = sorted(instant(stack.api.wait_for_release(release, "running")["acts_at"]) for release in releases)
        time.sleep(max((due[len(due) // 2] - datetime.now(UTC)).total_seconds(), 0))

        stack.api.post("/projects/shop/stops", {"reason": "orders fail"})
        acted = {release for release in releases if stack.api.release(release)["status"] == "completed"}
        assert acted != set(releases), "some were still to act"
        wait_for("the others to be held", lambda: all(held_by(stack.api, each) == "stopped" for each in releases if each not in acted))

        time.sleep(2)
        assert {release for release in releases if stack.api.release(release)["status"] == "completed"} == acted
        told = [entry["event"] for entry in reversed(stack.api.get("/projects/shop/audit", limit=200)["items"])]
        assert told.count("flag.changed") == len(acted)
        assert "flag.changed" not in told[told.index("stop.placed") :]


def test_each_step_of_a_rollout_waits_for_the_end_of_a_freeze(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = added(stack, stage("Ramp", "production", actions=[rollout(50, 50, "1s")]), hold("Watch", "1h"))
        wait_for("the first step", lambda: stack.api.release(release)["rollouts"] == {"production": 50})

        now = datetime.now(UTC)
        freeze = {"name": "Move", "starts_at": now.isoformat(), "ends_at": (now + timedelta(seconds=6)).isoformat()}
        made = stack.api.post("/projects/shop/freezes", freeze | {"environments": ["production"]})

        wait_for("the freeze to hold the second step", lambda: held_by(stack.api, release) == "freeze")
        waiting = stack.api.release(release)
        assert waiting["step"] == 2
        assert (waiting["acts_at"], waiting["waiting_for"]["until"]) == (made["ends_at"], made["ends_at"])
        stack.api.wait_for_stage(release, "Watch")
        first, second = stack.api.release(release)["history"][0]["changes"]
        assert instant(first["made_at"]) < instant(made["starts_at"])
        assert timedelta(0) <= instant(second["made_at"]) - instant(made["ends_at"]) < timedelta(seconds=5)


def test_an_approval_given_before_a_change_by_hand_is_asked_for_again(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = added(stack, stage("Everyone", "production") | {"gates": [approval(2)]})
        vera, victor = (stack.api.make_key(name, GRANT) for name in ("vera", "victor"))
        path = f"/projects/shop/releases/{release}/approve"
        shown = vera.get(f"/projects/shop/releases/{release}")["approval"]["binds"]
        vera.post(path, {"shown": shown})

        stack.api.patch(PRODUCTION, {"enabled": True})
        stack.api.patch(PRODUCTION, {"value": "of no account here"})

        moved = victor.request("POST", path, {"shown": shown})
        assert (moved.status_code, moved.json()["code"]) == (409, "approval_moved")
        victor.post(path)
        time.sleep(2)
        asked = stack.api.release(release)["approval"]
        assert [yes["owner"] for yes in asked["given"]] == ["victor"]
        assert asked["now"] == {"enabled": True}
        assert held_by(stack.api, release) == "approval"
        vera.post(path, {"shown": asked["binds"]})
        assert stack.api.wait_for_release(release, "completed")["history"][0]["outcome"] == "unchanged"


def test_an_approval_given_while_temporal_and_every_worker_are_down_is_acted_upon_when_they_come_back(
    tmp_path: Path, sqlite_url: str
) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = added(stack, stage("Everyone", "production") | {"gates": [approval()]})
        vera = stack.api.make_key("vera", GRANT)
        wait_for("it to be held", lambda: held_by(stack.api, release) == "approval")
        stack.temporal.kill()
        stack.worker.kill()

        vera.post(f"/projects/shop/releases/{release}/approve", {"reason": "seen in staging"})
        stack.temporal.start()
        stack.worker.start()

        stack.api.wait_for_release(release, "completed", seconds=90)
        assert is_on(stack.api)
