"""Rollbacks with everything real: over changes by hand, after the end, and while Temporal is down."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import running_stack
from tests.http import Api
from tests.pipelines import enable, hold, pipeline, set_value, stage
from workflows.policies import RPC_TIMEOUT

pytestmark = pytest.mark.e2e

CLASSIC = pipeline(
    stage("Development", actions=[enable(), set_value("one-page")]),
    stage("Production Beta", "production", "1s", actions=[enable("beta-users"), set_value("one-page", "beta-users")]),
    stage("Production", "production", "1s", actions=[enable() | {"overrides": "remove"}, set_value("one-page")]),
    hold("Watch", "1h"),
)


def roll_back(api: Api, release: dict[str, Any], **body: Any) -> Any:
    return api.post(f"/projects/shop/releases/{release['id']}/rollback", body)


def states(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/projects/shop/features/checkout")["environments"]
    return found


def test_rollback_to_a_stage_and_then_to_the_start_leaves_changes_by_hand_alone(tmp_path: Path, database_url: str) -> None:
    with running_stack(tmp_path, database_url) as stack:
        api = stack.api
        api.make_project()
        before = states(api)
        api.publish(CLASSIC)
        release = api.add()
        watching = api.wait_for_stage(release["id"], "Watch")

        roll_back(api, watching, to_stage="Production Beta", reason="not for all yet")
        back = api.wait_for_release(release["id"], "paused")
        beta = {"enabled": True, "value": "one-page", "inherits": [], "priority": 0, "allocation": None}
        assert states(api)["production"] == before["production"] | {"overrides": {"beta-users": beta}}
        assert (back["stage"], back["rollback"]["to_stage"], back["rollback"]["left_alone"]) == ("Production", "Production Beta", [])

        api.patch("/projects/shop/environments/production/features/checkout", {"overrides": {"beta-users": {"value": "by hand"}}})
        roll_back(api, back, reason="not at all")
        done = api.wait_for_release(release["id"], "rolled_back")
        [left] = done["rollback"]["left_alone"]
        assert (left["environment"], left["field"], left["now"]["value"]) == ("production", "overrides/beta-users", "by hand")
        assert states(api)["development"] == before["development"]
        production = states(api)["production"]
        assert production["overrides"]["beta-users"] == {
            "enabled": False,
            "value": "by hand",
            "inherits": ["enabled"],
            "priority": 0,
            "allocation": None,
        }
        assert (production["enabled"], production["value"]) == (False, "classic")

        events = [entry["event"] for entry in reversed(api.get("/projects/shop/audit", release=release["id"])["items"])]
        assert events[-3:] == ["flag.changed", "flag.changed", "release.rolled_back"]
        assert events.count("release.rolling_back") == 2


def test_completed_release_is_rolled_back_although_temporal_and_the_worker_were_down(tmp_path: Path, sqlite_url: str) -> None:
    with running_stack(tmp_path, sqlite_url) as stack:
        api = stack.api
        api.make_project()
        before = states(api)
        api.publish(pipeline(stage("Development", actions=[enable(), set_value("one-page")])))
        release = api.add()
        api.wait_for_release(release["id"], "completed")
        stack.temporal.kill()
        stack.worker.kill()

        requested = api.request("POST", f"/projects/shop/releases/{release['id']}/rollback", {"reason": "it fails"})
        assert requested.json()["status"] == "rolling_back"
        assert requested.elapsed < RPC_TIMEOUT, "an answer that waited for Temporal would take at least that long"
        rejected = api.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "standard"})
        assert rejected.status_code == 409
        stack.temporal.start()
        stack.worker.start()

        done = api.wait_for_release(release["id"], "rolled_back")
        assert done["rollback"]["state"] == "done"
        assert states(api) == before
        assert api.add()["status"] == "starting"
