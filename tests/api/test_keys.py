"""API keys: their secrets are shown once and stored as hashes, and no key has more rights than the key that created it."""

import hashlib
from typing import Any

from sqlalchemy import text

from activities.store.database import Database
from tests.api.answers import problem_of
from tests.http import OWNER_KEY, Api
from tests.pipelines import pipeline, stage

VIEWER = {"project": "shop", "role": "viewer"}
ADMIN = {"project": "shop", "role": "admin"}


def _body(*grants: dict[str, Any], name: str = "robot") -> dict[str, Any]:
    return {"name": name, "owner": {"kind": "service", "name": name}, "grants": list(grants)}


def test_secret_is_shown_once_and_stored_only_as_a_hash(api: Api, shared_sqlite: str) -> None:
    api.make_project()

    made = api.post("/keys", _body(VIEWER))

    listed = {key["id"]: key for key in api.get("/keys")["items"]}
    assert made["secret"].startswith("fh_")
    assert listed[made["id"]] == {field: value for field, value in made.items() if field != "secret"}
    database = Database(shared_sqlite)
    with database.reading() as store:
        hashes = store.connection.execute(text("SELECT secret_hash FROM api_keys WHERE id = :id"), {"id": made["id"]}).scalars().all()
        tables = store.connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        everything = str([store.connection.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables])
    database.close()
    assert hashes == [hashlib.sha256(made["secret"].encode()).hexdigest()]
    assert made["secret"] not in everything
    assert OWNER_KEY not in everything


def test_revoked_key_stops_working_at_once(api: Api) -> None:
    api.make_project()
    made = api.post("/keys", _body(VIEWER))
    robot = api.with_key(made["secret"])
    assert robot.request("GET", "/projects/shop").status_code == 200

    first = api.request("DELETE", f"/keys/{made['id']}")
    second = api.request("DELETE", f"/keys/{made['id']}")

    problem_of(robot.request("GET", "/projects/shop"), 401, "not_authenticated")
    assert (first.status_code, second.status_code) == (204, 204)
    assert len(api.get("/projects/shop/audit", event="key.revoked")["items"]) == 1


def test_key_creates_only_keys_covered_by_its_own_grants(api: Api) -> None:
    api.make_project("shop")
    api.make_project("other")
    admin = api.make_key("ada", ADMIN)
    refused = [
        ({"role": "owner"},),
        ({"project": "other", "role": "viewer"},),
        (VIEWER, {"project": "other", "role": "admin"}),
        ({"project": "nowhere", "role": "viewer"},),
    ]

    for grants in refused:
        problem_of(admin.request("POST", "/keys", _body(*grants)), 403, "not_allowed")

    for grant in (ADMIN, VIEWER, {"project": "shop", "role": "operator", "environments": ["*"]}):
        assert admin.request("POST", "/keys", _body(grant)).status_code == 201


def test_admin_sees_and_revokes_only_keys_covered_by_its_grants(api: Api) -> None:
    api.make_project("shop")
    api.make_project("other")
    admin = api.make_key("ada", ADMIN)
    wider = api.post("/keys", _body(VIEWER, {"project": "other", "role": "viewer"}))
    bootstrap = next(key for key in api.get("/keys")["items"] if key["name"] == "bootstrap")

    seen = [key["name"] for key in admin.get("/keys")["items"]]

    assert seen == ["ada"]
    for key in (wider, bootstrap):
        problem_of(admin.request("DELETE", f"/keys/{key['id']}"), 404, "not_found")
    assert api.with_key(wider["secret"]).request("GET", "/projects/other").status_code == 200


def test_keys_of_one_owner_are_distinct_and_count_as_one_owner(api: Api) -> None:
    api.make_project()
    old, new = api.post("/keys", _body(ADMIN)), api.post("/keys", _body(ADMIN))

    api.request("DELETE", f"/keys/{old['id']}")
    changed = api.with_key(new["secret"]).patch("/projects/shop", {"name": "Shop"})

    [entry] = api.get("/projects/shop/audit", event="project.changed")["items"]
    assert changed["name"] == "Shop"
    assert entry["actor"] == {"kind": "key", "id": new["id"], "owner": "robot"}
    assert old["secret"] != new["secret"]


def test_creating_and_revoking_a_key_is_audited_in_every_project_it_opens(api: Api) -> None:
    api.make_project("shop")
    api.make_project("other")
    made = api.post("/keys", _body(VIEWER, {"project": "other", "role": "viewer"}))
    api.request("DELETE", f"/keys/{made['id']}")

    for project in ("shop", "other"):
        entries = [each for each in api.get(f"/projects/{project}/audit")["items"] if each["event"].startswith("key.")]
        assert [each["event"] for each in entries] == ["key.revoked", "key.created"]
        assert entries[0]["after"]["id"] == made["id"]
        assert "secret" not in str(entries)
        assert made["secret"] not in str(entries)


def test_key_of_a_deleted_project_is_never_reused(api_on_both: Api) -> None:
    api_on_both.make_project()
    admin = api_on_both.make_key("ada", ADMIN)
    api_on_both.request("DELETE", "/projects/shop")

    again = api_on_both.request("POST", "/projects", {"key": "shop"})

    problem_of(again, 409, "conflict")
    problem_of(admin.request("GET", "/projects/shop"), 404, "not_found")
    assert admin.get("/projects")["items"] == []


def test_audit_log_of_a_project_hides_grants_on_other_projects(api: Api) -> None:
    api.make_project("shop")
    api.make_project("secret")
    elsewhere = {"project": "secret", "role": "operator", "environments": ["production"]}
    api.make_key("both", {"project": "shop", "role": "viewer"}, elsewhere)

    entries = api.get("/projects/shop/audit", event="key.created")["items"]

    assert "secret" not in str(entries)
    assert entries[0]["after"]["grants"] == [{"project": "shop", "role": "viewer", "environments": []}]


def test_rotated_key_changes_only_its_secret(api_on_both: Api) -> None:
    api_on_both.make_project()
    made = api_on_both.post("/keys", _body(VIEWER))
    old = api_on_both.with_key(made["secret"])

    rotated = api_on_both.post(f"/keys/{made['id']}/rotate")

    assert rotated["secret"].startswith("fh_")
    assert rotated["secret"] != made["secret"]
    assert {**rotated, "secret": ""} == {**made, "secret": ""}
    problem_of(old.request("GET", "/whoami"), 401, "not_authenticated")
    whoami = api_on_both.with_key(rotated["secret"]).get("/whoami")
    assert whoami == {field: value for field, value in made.items() if field != "secret"}


def test_any_key_can_rotate_itself_and_then_needs_its_new_secret(api: Api) -> None:
    api.make_project()
    made = api.post("/keys", _body(VIEWER))
    robot, another = api.with_key(made["secret"]), api.post("/keys", _body(VIEWER, name="another"))

    problem_of(robot.request("POST", f"/keys/{another['id']}/rotate"), 403, "not_allowed")
    rotated = robot.post(f"/keys/{made['id']}/rotate")

    problem_of(robot.request("GET", "/whoami"), 401, "not_authenticated")
    assert api.with_key(rotated["secret"]).get("/projects/shop")["key"] == "shop"


def test_admin_rotates_only_keys_covered_by_its_grants(api: Api) -> None:
    api.make_project("shop")
    api.make_project("other")
    admin = api.make_key("ada", ADMIN)
    wider = api.post("/keys", _body(VIEWER, {"project": "other", "role": "viewer"}))
    within = api.post("/keys", _body(VIEWER))
    bootstrap = next(key for key in api.get("/keys")["items"] if key["name"] == "bootstrap")

    for key in (wider["id"], bootstrap["id"], "nobodys"):
        problem_of(admin.request("POST", f"/keys/{key}/rotate"), 404, "not_found")

    assert admin.post(f"/keys/{within['id']}/rotate")["id"] == within["id"]
    assert api.with_key(wider["secret"]).get("/whoami")["id"] == wider["id"]


def test_revoked_key_is_not_rotated(api: Api) -> None:
    api.make_project()
    made = api.post("/keys", _body(VIEWER))
    api.request("DELETE", f"/keys/{made['id']}")

    problem_of(api.request("POST", f"/keys/{made['id']}/rotate"), 409, "key_revoked")


def test_rotation_is_audited_without_the_secret(api: Api) -> None:
    api.make_project()
    made = api.post("/keys", _body(VIEWER))
    rotated = api.post(f"/keys/{made['id']}/rotate")

    [entry] = api.get("/projects/shop/audit", event="key.rotated")["items"]

    assert (entry["actor"]["owner"], entry["after"]["id"]) == ("bootstrap", made["id"])
    assert rotated["secret"] not in str(entry)


def test_release_continues_with_the_rights_of_an_owner_whose_key_was_rotated(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    made = api.post("/keys", _body({"project": "shop", "role": "operator", "environments": ["*"]}))
    release = api.with_key(made["secret"]).add()

    rotated = api.with_key(api.post(f"/keys/{made['id']}/rotate")["secret"])

    paused = rotated.post(f"/projects/shop/releases/{release['id']}/pause")
    assert (paused["responsible"], paused["added_by"]) == ("robot", "robot")
