"""The rights of every role on every route, in a table written by hand."""

from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_app
from settings import Settings
from tests.api.answers import audit_log, problem_of
from tests.api.routes import PLACES, prepare
from tests.http import Api
from tests.pipelines import enable, pipeline, stage

ROLES = ["no key", "unknown key", "viewer", "operator on development", "operator on all", "admin", "owner", "admin elsewhere"]

#                                                                           none unkn view  dev  all  adm  own  else
EXPECTED = {
    "GET /projects":                                                         (401, 401, 200, 200, 200, 200, 200, 200),
    "POST /projects":                                                        (401, 401, 403, 403, 403, 403, 201, 403),
    "GET /projects/{project}":                                               (401, 401, 200, 200, 200, 200, 200, 404),
    "PATCH /projects/{project}":                                             (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}":                                            (401, 401, 403, 403, 403, 403, 204, 404),
    "GET /projects/{project}/environments":                                  (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/environments":                                 (401, 401, 403, 403, 403, 201, 201, 404),
    "GET /projects/{project}/environments/{environment}":                    (401, 401, 200, 200, 200, 200, 200, 404),
    "GET /projects/{project}/environments/{environment}/compare/{other}":    (401, 401, 200, 200, 200, 200, 200, 404),
    "PATCH /projects/{project}/environments/{environment}":                  (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}/environments/{environment}":                 (401, 401, 403, 403, 403, 204, 204, 404),
    "POST /projects/{project}/environments/{environment}/keys/{kind}/rotate": (401, 401, 403, 403, 403, 200, 200, 404),
    "GET /projects/{project}/segments":                                      (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/segments":                                     (401, 401, 403, 201, 201, 201, 201, 404),
    "GET /projects/{project}/segments/{segment}":                            (401, 401, 200, 200, 200, 200, 200, 404),
    "PATCH /projects/{project}/segments/{segment}":                          (401, 401, 403, 200, 200, 200, 200, 404),
    "DELETE /projects/{project}/segments/{segment}":                         (401, 401, 403, 204, 204, 204, 204, 404),
    "GET /projects/{project}/features":                                      (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/features":                                     (401, 401, 403, 403, 201, 201, 201, 404),
    "GET /projects/{project}/features/{feature}":                            (401, 401, 200, 200, 200, 200, 200, 404),
    "PATCH /projects/{project}/features/{feature}":                          (401, 401, 403, 200, 200, 200, 200, 404),
    "DELETE /projects/{project}/features/{feature}":                         (401, 401, 403, 403, 204, 204, 204, 404),
    "GET /projects/{project}/environments/{environment}/features/{feature}": (401, 401, 200, 200, 200, 200, 200, 404),
    "PATCH /projects/{project}/environments/{environment}/features/{feature}": (401, 401, 403, 200, 200, 200, 200, 404),
    "GET /projects/{project}/pipelines":                                     (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/pipelines":                                    (401, 401, 403, 403, 403, 201, 201, 404),
    "GET /projects/{project}/pipelines/{pipeline}":                          (401, 401, 200, 200, 200, 200, 200, 404),
    "PUT /projects/{project}/pipelines/{pipeline}":                          (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}/pipelines/{pipeline}":                       (401, 401, 403, 403, 403, 204, 204, 404),
    "POST /projects/{project}/pipelines/{pipeline}/publish":                 (401, 401, 403, 403, 403, 200, 200, 404),
    "POST /projects/{project}/pipelines/{pipeline}/clone":                   (401, 401, 403, 403, 403, 201, 201, 404),
    "POST /projects/{project}/pipelines/{pipeline}/archive":                 (401, 401, 403, 403, 403, 200, 200, 404),
    "POST /projects/{project}/pipelines/{pipeline}/simulate":                (401, 401, 200, 200, 200, 200, 200, 404),
    "GET /templates":                                                        (401, 401, 200, 200, 200, 200, 200, 200),
    "GET /projects/{project}/freezes":                                       (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/freezes":                                      (401, 401, 403, 201, 201, 201, 201, 404),
    "GET /projects/{project}/freezes/{freeze}":                              (401, 401, 200, 200, 200, 200, 200, 404),
    "DELETE /projects/{project}/freezes/{freeze}":                           (401, 401, 403, 204, 204, 204, 204, 404),
    "GET /projects/{project}/stops":                                         (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/stops":                                        (401, 401, 403, 201, 201, 201, 201, 404),
    "GET /projects/{project}/stops/{stop}":                                  (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/stops/{stop}/lift":                            (401, 401, 403, 403, 403, 200, 200, 404),
    "GET /projects/{project}/releases":                                      (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/releases":                                     (401, 401, 403, 201, 201, 201, 201, 404),
    "GET /projects/{project}/releases/{release}":                            (401, 401, 200, 200, 200, 200, 200, 404),
    "GET /projects/{project}/releases/{release}/samples":                    (401, 401, 200, 200, 200, 200, 200, 404),
    "GET /projects/{project}/releases/{release}/experiments":                (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/releases/{release}/remove":                    (401, 401, 403, 200, 200, 200, 200, 404),
    "POST /projects/{project}/releases/{release}/pause":                     (401, 401, 403, 200, 200, 200, 200, 404),
    "POST /projects/{project}/releases/{release}/approve":                  (401, 401, 403, 409, 409, 409, 409, 404),
    "POST /projects/{project}/releases/{release}/reject":                   (401, 401, 403, 409, 409, 409, 409, 404),
    "POST /projects/{project}/releases/{release}/resume":                   (401, 401, 403, 409, 409, 409, 409, 404),
    "POST /projects/{project}/releases/{release}/advance":                  (401, 401, 403, 409, 409, 409, 409, 404),
    "POST /projects/{project}/releases/{release}/skip":                     (401, 401, 403, 409, 409, 409, 409, 404),
    "POST /projects/{project}/releases/{release}/retry":                    (401, 401, 403, 409, 409, 409, 409, 404),
    "POST /projects/{project}/releases/{release}/restart":                  (401, 401, 403, 409, 409, 409, 409, 404),
    "GET /projects/{project}/releases/{release}/rollback":                  (401, 401, 403, 200, 200, 200, 200, 404),
    "POST /projects/{project}/releases/{release}/rollback":                 (401, 401, 403, 202, 202, 202, 202, 404),
    "GET /projects/{project}/audit":                                         (401, 401, 200, 200, 200, 200, 200, 404),
    "GET /audit":                                                            (401, 401, 403, 403, 403, 403, 200, 403),
    "GET /projects/{project}/webhooks":                                      (401, 401, 403, 403, 403, 200, 200, 404),
    "POST /projects/{project}/webhooks":                                     (401, 401, 403, 403, 403, 201, 201, 404),
    "GET /projects/{project}/webhooks/{webhook}":                            (401, 401, 403, 403, 403, 200, 200, 404),
    "PATCH /projects/{project}/webhooks/{webhook}":                          (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}/webhooks/{webhook}":                         (401, 401, 403, 403, 403, 204, 204, 404),
    "POST /projects/{project}/webhooks/{webhook}/rotate":                    (401, 401, 403, 403, 403, 200, 200, 404),
    "GET /projects/{project}/webhooks/{webhook}/deliveries":                 (401, 401, 403, 403, 403, 200, 200, 404),
    "POST /projects/{project}/webhooks/{webhook}/deliveries/{delivery}/resend":(401, 401, 403, 403, 403, 202, 202, 404),
    "GET /keys":                                                             (401, 401, 403, 403, 403, 200, 200, 200),
    "POST /keys":                                                            (401, 401, 403, 403, 403, 201, 201, 403),
    "GET /keys/{key}":                                                       (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /keys/{key}":                                                    (401, 401, 403, 403, 403, 204, 204, 404),
    "POST /keys/{key}/rotate":                                               (401, 401, 403, 403, 403, 200, 200, 404),
    "GET /projects/{project}/sources":                                        (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/sources":                                       (401, 401, 403, 403, 403, 201, 201, 404),
    "GET /projects/{project}/sources/{source}":                               (401, 401, 200, 200, 200, 200, 200, 404),
    "PUT /projects/{project}/sources/{source}":                               (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}/sources/{source}":                            (401, 401, 403, 403, 403, 204, 204, 404),
    "POST /projects/{project}/sources/{source}/check":                        (401, 401, 403, 403, 403, 200, 200, 404),
    "GET /projects/{project}/metrics":                                        (401, 401, 200, 200, 200, 200, 200, 404),
    "POST /projects/{project}/metrics":                                       (401, 401, 403, 403, 403, 201, 201, 404),
    "POST /projects/{project}/metrics/ask":                                   (401, 401, 200, 200, 200, 200, 200, 404),
    "GET /projects/{project}/metrics/{metric}":                               (401, 401, 200, 200, 200, 200, 200, 404),
    "PUT /projects/{project}/metrics/{metric}":                               (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}/metrics/{metric}":                            (401, 401, 403, 403, 403, 204, 204, 404),
    "GET /projects/{project}/connection":                                    (401, 401, 200, 200, 200, 200, 200, 404),
    "PUT /projects/{project}/connection":                                    (401, 401, 403, 403, 403, 200, 200, 404),
    "DELETE /projects/{project}/connection":                                 (401, 401, 403, 403, 403, 204, 204, 404),
    "POST /projects/{project}/connection/check":                             (401, 401, 403, 403, 403, 200, 200, 404),
    "GET /whoami":                                                           (401, 401, 200, 200, 200, 200, 200, 200),
    "GET /status":                                                           (401, 401, 200, 200, 200, 200, 200, 200),
}  # fmt: skip


def test_every_route_is_in_the_table_of_rights() -> None:
    contexts = list(iter_route_contexts(create_app(Settings()).routes))

    paths = [(context.path or "", context.methods or ()) for context in contexts if isinstance(context.original_route, APIRoute)]
    routes = {f"{method} {path.removeprefix('/api/v1')}" for path, methods in paths if path.startswith("/api/v1") for method in methods}

    assert routes == set(EXPECTED) == set(PLACES)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_each_role_as_in_the_table(api: Api, role: str) -> None:
    api.make_project()
    api.post("/projects", {"key": "elsewhere"})
    caller = _with_role(api, role)
    wrong = {}

    for route in PLACES:
        method, path, body = prepare(api, route)
        expected = EXPECTED[route][ROLES.index(role)]
        before = audit_log(api) if expected in (401, 403, 404) else None
        answer = caller.request(method, path, body)
        if answer.status_code != expected:
            wrong[route] = f"{answer.status_code} instead of {expected}: {answer.text}"
        if before is not None and audit_log(api) != before:
            wrong[route] = "was refused, and something was changed"

    assert wrong == {}


def _with_role(api: Api, role: str) -> Api:
    grants: dict[str, dict[str, Any]] = {
        "viewer": {"project": "shop", "role": "viewer"},
        "operator on development": {"project": "shop", "role": "operator", "environments": ["development"]},
        "operator on all": {"project": "shop", "role": "operator", "environments": ["*"]},
        "admin": {"project": "shop", "role": "admin"},
        "admin elsewhere": {"project": "elsewhere", "role": "admin"},
    }
    plain = {"no key": api.with_key(None), "unknown key": api.with_key("fh_nobody_knows_this_key_at_all"), "owner": api}
    return plain[role] if role in plain else api.make_key(role, grants[role])


def test_right_on_one_environment_does_not_apply_to_another(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development"), stage("Production", "production")))
    only_development = _with_role(api, "operator on development")

    manual = only_development.request("PATCH", "/projects/shop/environments/production/features/checkout", {"enabled": True})
    added = only_development.request("POST", "/projects/shop/releases", {"pipeline": "standard", "feature": "checkout"})

    assert problem_of(manual, 403, "not_allowed")["details"] == {"environments": ["production"]}
    assert problem_of(added, 403, "not_allowed")["details"] == {"environments": ["production"]}


def test_remove_requires_the_right_on_environments_ahead(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Production", "production"), stage("Development")))
    release = api.add()
    only_development = _with_role(api, "operator on development")

    refused = only_development.request("POST", f"/projects/shop/releases/{release['id']}/remove", {})

    problem_of(refused, 403, "not_allowed")
    assert api.release(release["id"])["status"] == "starting"


def test_changing_a_segment_used_in_production_requires_the_right_on_production(api: Api) -> None:
    api.make_project()
    api.patch("/projects/shop/environments/production/features/checkout", {"overrides": {"staff": {"enabled": True}}})
    only_development = _with_role(api, "operator on development")

    used = only_development.request("PATCH", "/projects/shop/segments/staff", {"rules": []})
    unused = only_development.request("PATCH", "/projects/shop/segments/beta-users", {"rules": []})

    problem_of(used, 403, "not_allowed")
    assert unused.status_code == 200


def test_objects_of_another_project_are_not_found(api: Api) -> None:
    api.make_project("shop")
    api.make_project("other")
    other_pipeline = api.publish(pipeline(stage("Development", actions=[enable()])), project="other")
    release = api.add(project="other")
    admin = _with_role(api, "admin")

    problem_of(admin.request("GET", f"/projects/shop/pipelines/{other_pipeline['id']}"), 404, "not_found")
    problem_of(admin.request("GET", f"/projects/shop/releases/{release['id']}"), 404, "release_not_found")
    problem_of(admin.request("POST", f"/projects/shop/releases/{release['id']}/remove", {}), 404, "release_not_found")
    problem_of(admin.request("POST", f"/projects/shop/releases/{release['id']}/retry", {}), 404, "release_not_found")
    problem_of(admin.request("POST", "/projects/shop/releases", {"pipeline": other_pipeline["id"], "feature": "checkout"}), 422, "invalid")


def test_invisible_project_looks_like_a_missing_one(api: Api) -> None:
    api.make_project("shop")
    api.post("/projects", {"key": "secret"})
    admin = _with_role(api, "admin")

    exists = problem_of(admin.request("GET", "/projects/secret"), 404, "not_found")
    missing = problem_of(admin.request("GET", "/projects/missed"), 404, "not_found")

    assert exists["detail"].replace("secret", "missed") == missing["detail"]
