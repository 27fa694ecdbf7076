"""Gates and stops hold a stage although workers were dead when they were decided, or when the stage came due."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.releases.waiting import PATIENCE
from tests.e2e.stack import Stack, running_stack
from tests.http import Api
from tests.pipelines import approval, enable, hold, pipeline, rollout, stage
from tests.waiting import sleep_until, wait_for

pytestmark = pytest.mark.e2e

PRODUCTION = "/projects/shop/environments/production/features/checkout"
GRANT = {"project": "shop", "role": "operator", "environments": ["production"]}


def added(stack: Stack, *stages: dict[str, Any]) -> str:
    """Add a flag to a new pipeline with these stages, and return the id of the release."""
    stack.api.make_project()
    stack.api.publish(pipeline(*stages))
    return str(stack.api.add()["id"])


def waiting_for(api: Api, release: str) -> dict[str, Any]:
    """Return what the release waits for."""
    return api.release(release)["waiting_for"] or {"code": None, "message": ""}


def is_on(api: Api) -> bool:
    """True if the flag is on in production."""
    return bool(api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"])


def instant(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def test_stop_placed_while_every_worker_is_dead_holds_when_they_are_back(tmp_path: Path, database_url: str) -> None:
    with running_stack(tmp_path, database_url) as stack:
        stack.worker.kill()
        release = added(stack, stage("Everyone", "production", "2s"))
        due_at = instant(stack.api.wait_for_release(release, "running")["acts_at"])

        stop = stack.api.post("/projects/shop/stops", {"reason": "orders fail", "environment": "production"})
        sleep_until(due_at)
        stack.worker.start()
        stack.other_worker.start()

        wait_for("the stop to hold the stage", lambda: waiting_for(stack.api, release)["code"] == "stopped")
        assert not is_on(stack.api)
        assert "orders fail" in waiting_for(stack.api, release)["message"]
        lifted = stack.api.post(f"/projects/shop/stops/{stop['id']}/lift", {"reason": "they don't"})
        done = stack.api.wait_for_release(release, "completed")
        assert instant(done["history"][0]["acted_at"]) > instant(lifted["lifted_at"])
        assert is_on(stack.api)


def test_no_stage_acts_after_a_stop_that_was_placed_while_stages_came_due(tmp_path: Path, database_url: str) -> None:
    flags = [f"flag-{number}" for number in range(12)]
    with running_stack(tmp_path, database_url) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Everyone", "production", "4s", [enable()])))
        for flag in flags:
            stack.api.post("/projects/shop/features", {"key": flag})
        for flag in flags:
            stack.api.add(flag)

        def releases(**fields: str) -> list[dict[str, Any]]:
            """The releases with these fields, in the order in which they were added."""
            items = stack.api.get("/projects/shop/releases", limit=200)["items"]
            return [each for each in reversed(items) if fields.items() <= each.items()]

        wait_for("every workflow to start", lambda: not releases(status="starting"))
        waiting = releases(status="running")
        sleep_until(instant(waiting[len(waiting) // 2]["acts_at"]))
        stack.api.post("/projects/shop/stops", {"reason": "orders fail"})

        acted = {each["id"] for each in releases(status="completed")}
        assert len(acted) < len(flags), "the stop came too late to hold anything"
        wait_for("the others to be held", lambda: {each["waiting_for"]["code"] for each in releases(status="running")} == {"stopped"})
        assert {each["id"] for each in releases(status="completed")} == acted
        events = [entry["event"] for entry in reversed(stack.api.get("/projects/shop/audit", limit=200)["items"])]
        assert events.count("flag.changed") == len(acted)
        assert "flag.changed" not in events[events.index("stop.placed") :]


def test_each_step_of_a_rollout_waits_for_the_end_of_a_freeze(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = added(stack, stage("Ramp", "production", actions=[rollout(50, 50, "5s")]), hold("Watch", "1h"))
        wait_for("the first step", lambda: stack.api.release(release)["rollouts"] == {"production": 50})

        now = datetime.now(UTC)
        freeze = {"name": "Move", "starts_at": now.isoformat(), "ends_at": (now + timedelta(seconds=12)).isoformat()}
        made = stack.api.post("/projects/shop/freezes", freeze | {"environments": ["production"]})

        wait_for("the freeze to hold the second step", lambda: waiting_for(stack.api, release)["code"] == "freeze")
        held = stack.api.release(release)
        assert held["step"] == 2
        assert (held["acts_at"], held["waiting_for"]["until"]) == (made["ends_at"], made["ends_at"])
        stack.api.wait_for_stage(release, "Watch")
        first, second = stack.api.release(release)["history"][0]["changes"]
        assert instant(first["made_at"]) < instant(made["starts_at"])
        # From a minute on the product itself calls a stage overdue.
        assert timedelta(0) <= instant(second["made_at"]) - instant(made["ends_at"]) < PATIENCE


def test_approval_given_before_a_change_by_hand_has_to_be_given_again(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = added(stack, stage("Everyone", "production") | {"gates": [approval(2)]})
        vera, victor = (stack.api.make_key(name, GRANT) for name in ("vera", "victor"))
        path = f"/projects/shop/releases/{release}/approve"
        shown = vera.get(f"/projects/shop/releases/{release}")["approval"]["binds"]
        vera.post(path, {"shown": shown})

        stack.api.patch(PRODUCTION, {"enabled": True})
        stack.api.patch(PRODUCTION, {"value": "of no account here"})

        rejected = victor.request("POST", path, {"shown": shown})
        assert (rejected.status_code, rejected.json()["code"]) == (409, "approval_moved")
        victor.post(path)
        wait_for("the workflow to count again", lambda: "1 of 2, by victor" in waiting_for(stack.api, release)["message"])
        pending = stack.api.release(release)["approval"]
        assert [each["owner"] for each in pending["given"]] == ["victor"]
        assert pending["now"] == {"enabled": True}
        assert waiting_for(stack.api, release)["code"] == "approval"
        vera.post(path, {"shown": pending["binds"]})
        assert stack.api.wait_for_release(release, "completed")["history"][0]["outcome"] == "unchanged"


def test_approval_given_while_temporal_and_every_worker_are_down_takes_effect_when_they_are_back(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        release = added(stack, stage("Everyone", "production") | {"gates": [approval()]})
        vera = stack.api.make_key("vera", GRANT)
        wait_for("the gate to hold the stage", lambda: waiting_for(stack.api, release)["code"] == "approval")
        stack.temporal.kill()
        stack.worker.kill()

        vera.post(f"/projects/shop/releases/{release}/approve", {"reason": "seen in staging"})
        stack.temporal.start()
        stack.worker.start()

        stack.api.wait_for_release(release, "completed")
        assert is_on(stack.api)
