"""Projects and their environments over HTTP."""

from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import pipeline, stage

ENVIRONMENTS = "/projects/shop/environments"


def test_name_defaults_to_the_key(api: Api) -> None:
    plain = api.post("/projects", {"key": "shop"})
    named = api.post("/projects", {"key": "blog", "name": "  The blog "})

    assert plain == {"key": "shop", "name": "shop", "provider": "builtin"}
    assert named == {"key": "blog", "name": "The blog", "provider": "builtin"}
    assert api.get("/projects/blog") == named


def test_key_sees_only_its_own_projects(api: Api) -> None:
    for key in ("blog", "shop", "wiki"):
        api.post("/projects", {"key": key})
    grants = [{"project": key, "role": "viewer"} for key in ("wiki", "blog")]
    viewer = api.make_key("vera", *grants)

    first = viewer.get("/projects", limit=1)
    rest = viewer.get("/projects", cursor=first["next"])

    assert [each["key"] for each in first["items"] + rest["items"]] == ["blog", "wiki"]
    assert [each["key"] for each in api.get("/projects")["items"]] == ["blog", "shop", "wiki"]


def test_existing_key_is_refused(api: Api) -> None:
    api.make_project()

    assert pointers(problem_of(api.request("POST", "/projects", {"key": "shop"}), 409, "conflict")) == ["/key"]
    assert pointers(problem_of(api.request("POST", ENVIRONMENTS, {"key": "staging"}), 409, "conflict")) == ["/key"]


def test_two_projects_may_use_the_same_keys(api: Api) -> None:
    api.make_project("shop")
    api.make_project("blog")

    api.patch("/projects/blog/environments/production/features/checkout", {"enabled": True})

    assert api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"] is False


def test_project_with_an_unfinished_release_is_not_deleted(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()

    refused = problem_of(api.request("DELETE", "/projects/shop"), 409, "in_use")
    api.post(f"/projects/shop/releases/{release['id']}/remove")

    assert refused["details"]["used_by"] == [{"kind": "release", "id": release["id"], "feature": "checkout"}]
    assert api.request("DELETE", "/projects/shop").status_code == 204
    problem_of(api.request("GET", "/projects/shop"), 404, "not_found")
    problem_of(api.request("GET", "/projects/shop/features"), 404, "not_found")
    problem_of(api.request("POST", ENVIRONMENTS, {"key": "late"}), 404, "not_found")


def test_environment_in_use_is_not_deleted_and_its_uses_are_listed(api: Api) -> None:
    api.make_project()
    published = api.publish(pipeline(stage("Production", "production")))
    release = api.add()

    refused = problem_of(api.request("DELETE", f"{ENVIRONMENTS}/production"), 409, "in_use")

    assert refused["details"]["used_by"] == [
        {"kind": "pipeline", "key": "standard", "version": 1, "id": published["id"]},
        {"kind": "release", "id": release["id"], "feature": "checkout"},
    ]
    assert api.request("DELETE", f"{ENVIRONMENTS}/staging").status_code == 204
    problem_of(api.request("GET", f"{ENVIRONMENTS}/staging"), 404, "environment_not_found")


def test_environment_recreated_under_an_old_key_has_the_defaults(api: Api) -> None:
    api.make_project()
    api.patch(f"{ENVIRONMENTS}/staging/features/checkout", {"enabled": True})

    api.request("DELETE", f"{ENVIRONMENTS}/staging")
    api.post(ENVIRONMENTS, {"key": "staging"})

    assert api.get("/projects/shop/features/checkout")["environments"]["staging"]["enabled"] is False


def test_names_change_and_keys_never_change(api: Api) -> None:
    api.make_project()

    assert api.patch("/projects/shop", {"name": "The shop"}) == {"key": "shop", "name": "The shop", "provider": "builtin"}
    before = api.get(f"{ENVIRONMENTS}/staging")
    assert api.patch(f"{ENVIRONMENTS}/staging", {"name": "Rehearsal"}) == before | {"name": "Rehearsal"}
    assert api.get(f"{ENVIRONMENTS}/staging")["name"] == "Rehearsal"
