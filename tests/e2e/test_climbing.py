"""A release from its start to its removal over HTTP, with every part a process of its own. It leaves no secret behind."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.api.evaluation.applications import Application, keys_of
from tests.e2e.stack import Stack, running_stack
from tests.http import OWNER_KEY
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.receiver import receiving

pytestmark = pytest.mark.e2e

CLASSIC = pipeline(
    stage("Development", actions=[enable(), set_value("one-page")]),
    stage("Staging", "staging", actions=[enable(), set_value("one-page")]),
    stage("Production Beta", "production", "2s", actions=[enable("beta-users"), set_value("one-page", "beta-users")]),
    stage("Production", "production", "1h", actions=[enable() | {"overrides": "remove"}, set_value("one-page")]),
    hold("Watch", "1h"),
)


PASSWORD = "the-password-of-the-database"  # noqa: S105 (it opens nothing)
STRANGER = "fh_a_key_that_nobody_knows"


def with_password(database_url: str) -> str:
    """Add a password to the URL: the tests' PostgreSQL accepts any, and SQLite has none."""
    url = make_url(database_url)
    return url.set(password=PASSWORD).render_as_string(hide_password=False) if url.host or url.query else database_url


def use_secrets(stack: Stack, hook: str) -> list[str]:
    """Use a secret of each kind, before and after its rotation. Return all of them."""
    api, viewer = stack.api, {"project": "shop", "role": "viewer"}
    webhook = api.post("/projects/shop/webhooks", {"url": hook, "events": ["stage.acted"]})
    key = api.post("/keys", {"name": "ci", "owner": {"kind": "service", "name": "builds"}, "grants": [viewer]})
    api.with_key(key["secret"]).get("/whoami")
    rotated = api.post(f"/keys/{key['id']}/rotate")["secret"]
    for unknown in (STRANGER, key["secret"]):
        assert api.with_key(unknown).request("GET", "/whoami").status_code == 401
    before = keys_of(api)
    for kind in ("client", "server"):
        api.post(f"/projects/shop/environments/production/keys/{kind}/rotate")
    for each in (*before, *keys_of(api), STRANGER):
        Application(api, each).flagsmith("GET", "environment-document/")
        Application(api, each).evaluate({"targetingKey": "ada"})
    new_secret = api.post(f"/projects/shop/webhooks/{webhook['id']}/rotate")["secret"]
    return [OWNER_KEY, PASSWORD, STRANGER, key["secret"], rotated, *before, *keys_of(api), webhook["secret"], new_secret]


def test_flag_climbs_from_a_chosen_stage_and_is_removed(tmp_path: Path, database_url: str) -> None:
    with receiving() as receiver, running_stack(tmp_path, with_password(database_url), verbose=True) as stack:
        api = stack.api
        api.make_project()
        secrets = use_secrets(stack, receiver.url("/secret-path"))
        engineer = api.make_key("erin", {"project": "shop", "role": "operator", "environments": ["staging", "production"]})
        api.publish(CLASSIC)

        added = engineer.add(starting_stage="staging")
        assert (added["status"], added["stages"][0]["outcome"]) == ("starting", "not_run")
        rejected = engineer.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "standard"})
        assert rejected.status_code in (403, 409), "she has no right in development, and the flag is taken"

        waiting = engineer.wait_for_stage(added["id"], "Production")
        production = api.get("/projects/shop/features/checkout")["environments"]["production"]
        assert (production["enabled"], production["value"]) == (False, "classic")
        beta = {"enabled": True, "value": "one-page", "inherits": [], "priority": 0, "allocation": None}
        assert production["overrides"] == {"beta-users": beta}
        assert waiting["waiting_for"]["code"] == "time"

        engineer.post(f"/projects/shop/releases/{added['id']}/advance", {"expected_stage": "Production"})
        watching = engineer.wait_for_stage(added["id"], "Watch")
        feature = api.get("/projects/shop/features/checkout")
        assert feature["environments"]["production"] == {
            "enabled": True,
            "value": "one-page",
            "allocation": {},
            "overrides": {},
            "rollout": None,
        }
        assert feature["environments"]["development"]["enabled"] is False, "stages before the chosen one do not run"
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
        events = ["release.added", "flag.changed", "flag.changed", "release.advanced", "flag.changed", "release.removed"]
        assert [entry["event"] for entry in reversed(entries)] == events
        assert entries[0]["reason"] == "seen enough"
        assert (entries[0]["actor"]["kind"], entries[0]["actor"]["owner"]) == ("key", "erin")
        assert (entries[1]["actor"], entries[1]["on_behalf_of"]) == ({"kind": "release", "id": added["id"], "owner": None}, "erin")

        receiver.wait_for(3)

        stack.kill()
        logs = [process.log for process in stack.processes if process.log.exists()]
        assert [log.name for log in logs if added["id"] not in log.read_text()] == [], "each of them logs something about the release"
        histories = list(tmp_path.glob("temporal.db*"))
        assert any(added["id"].encode() in path.read_bytes() for path in histories)
        for path in [*logs, *histories]:
            written = path.read_bytes()
            assert [secret for secret in [*secrets, "secret-path"] if secret.encode() in written] == [], path.name
