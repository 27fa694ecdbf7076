"""The whole road over HTTP, with the real Temporal server and the worker as a process of its own."""

from pathlib import Path

import pytest

from tests.e2e.stack import running_stack
from tests.pipelines import enable, hold, pipeline, set_value, stage

pytestmark = pytest.mark.e2e

CLASSIC = pipeline(
    stage("Development", actions=[enable(), set_value("one-page")]),
    stage("Staging", "staging", actions=[enable(), set_value("one-page")]),
    stage("Production Beta", "production", "2s", actions=[enable("beta-users"), set_value("one-page", "beta-users")]),
    stage("Production", "production", "3s", actions=[enable() | {"overrides": "remove"}, set_value("one-page")]),
    hold("Watch", "1h"),
)


def test_a_flag_climbs_from_a_chosen_stage_and_is_removed(tmp_path: Path, database_url: str) -> None:
    with running_stack(tmp_path, database_url) as stack:
        api = stack.api
        api.make_project()
        engineer = api.make_key("erin", {"project": "shop", "role": "operator", "environments": ["staging", "production"]})
        api.publish(CLASSIC)

        added = engineer.add(starting_stage="staging")
        assert (added["status"], added["stages"][0]["outcome"]) == ("starting", "not_run")
        refused = engineer.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "standard"})
        assert refused.status_code in (403, 409), "development is not hers; and the flag is taken"

        watched = engineer.wait_for_stage(added["id"], "Production")
        production = api.get("/projects/shop/features/checkout")["environments"]["production"]
        assert (production["enabled"], production["value"]) == (False, "classic")
        beta = {"enabled": True, "value": "one-page", "inherits": [], "priority": 0}
        assert production["overrides"] == {"beta-users": beta}
        assert watched["waiting_for"]["code"] == "time"

        watching = engineer.wait_for_stage(added["id"], "Watch")
        feature = api.get("/projects/shop/features/checkout")
        assert feature["environments"]["production"] == {"enabled": True, "value": "one-page", "overrides": {}, "rollout": None}
        assert feature["environments"]["development"]["enabled"] is False, "the stages before the chosen one are not run"
        assert feature["release"] == {"id": added["id"], "pipeline": "standard", "stage": "Watch", "status": "running"}
        in_stage = {each["stage"]: each["count"] for each in api.get("/projects/shop/pipelines/standard")["flags"]}
        assert in_stage == {"Development": 0, "Staging": 0, "Production Beta": 0, "Production": 0, "Watch": 1}

        removed = engineer.post(f"/projects/shop/releases/{added['id']}/remove", {"reason": "seen enough", "expected_stage": "Watch"})
        assert removed["status"] == "removed"
        outcomes = [each["outcome"] for each in removed["stages"]]
        assert outcomes == ["not_run", "acted", "acted", "acted", "removed"]
        assert [(visit["stage"], visit["outcome"]) for visit in watching["history"]][:3] == [
            ("Staging", "acted"),
            ("Production Beta", "acted"),
            ("Production", "acted"),
        ]
        last_change = watching["history"][2]["changes"][0]
        assert last_change["before"]["overrides"]["beta-users"]["value"] == "one-page"
        assert last_change["after"] == {"enabled": True, "value": "one-page", "overrides": {"beta-users": None}}

        entries = api.get("/projects/shop/audit", release=added["id"])["items"]
        assert [entry["event"] for entry in reversed(entries)] == ["release.added", *["flag.changed"] * 3, "release.removed"]
        assert entries[0]["reason"] == "seen enough"
        assert (entries[0]["actor"]["kind"], entries[0]["actor"]["owner"]) == ("key", "erin")
        assert (entries[1]["actor"], entries[1]["on_behalf_of"]) == ({"kind": "release", "id": added["id"], "owner": None}, "erin")
