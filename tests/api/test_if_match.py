"""Every resource has an ETag, and every route that changes one honours If-Match (RFC 9110, 13.1.1)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from api.app import create_app
from settings import Settings
from tests.api.answers import problem_of
from tests.api.preconditions import GUARDED, WITHOUT_IF_MATCH, creates, resource_of
from tests.api.rights import NEEDED
from tests.api.routes import PLACES, prepare
from tests.http import Api

STALE = '"0123456789abcdef0123456789abcdef"'
FLAG = "/projects/shop/environments/staging/features/checkout"
SEGMENT = "/projects/shop/segments/staff"


def _conditional(api: Api, request: tuple[str, str, Any], if_match: str) -> httpx.Response:
    method, path, body = request
    return api.request(method, path, body, headers={"If-Match": if_match})


def _code(route: str) -> str:
    return "draft_changed" if "/pipelines/" in route and not route.endswith("/archive") else "resource_changed"


def _etag(api: Api, path: str) -> str:
    return api.request("GET", path).headers["etag"]


@pytest.mark.parametrize("route", GUARDED)
def test_resource_is_changed_only_if_a_tag_is_current(api: Api, route: str) -> None:
    api.make_project()
    request = prepare(api, route)
    resource = resource_of(request[1])
    etag, before = _etag(api, resource), (api.get(resource), api.get("/audit", limit=1))

    for refused in (STALE, f'{STALE} , "other"', f"W/{etag}"):
        problem_of(_conditional(api, request, refused), 412, _code(route))
    assert (api.get(resource), api.get("/audit", limit=1)) == before
    assert _etag(api, resource) == etag

    accepted = _conditional(api, request, f'W/"weak",, {STALE},\t{etag}')
    assert accepted.is_success, accepted.text
    problem_of(_conditional(api, request, "etag"), 422, "invalid")


def test_star_stands_for_any_existing_resource(api: Api) -> None:
    api.make_project()

    statuses = {route: _conditional(api, prepare(api, route), "*").status_code for route in GUARDED}

    assert {route: status for route, status in statuses.items() if status not in (200, 204)} == {}
    problem_of(_conditional(api, ("DELETE", SEGMENT, None), "*"), 404, "not_found")


def test_every_changing_route_honours_if_match_or_has_a_reason_not_to() -> None:
    paths = create_app(Settings()).openapi()["paths"]
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
        if any(parameter["name"] == "if-match" for parameter in operation.get("parameters", ()))
    }

    assert documented.keys() == set(GUARDED)
    assert all("412" in operation["responses"] for operation in documented.values())
    assert WITHOUT_IF_MATCH.keys() <= {route for route in NEEDED if not creates(route)}


def test_answers_have_the_etag_that_the_api_description_shows(api: Api) -> None:
    api.make_project()
    paths = create_app(Settings()).openapi()["paths"]
    wrong = []

    for route in PLACES:
        answer = api.request(*prepare(api, route))
        template = route.split()[1]
        responses = paths[f"/api/v1{template}"][route.split()[0].lower()]["responses"]
        shown = "ETag" in responses.get(str(answer.status_code), {}).get("headers", {})
        if answer.is_success and shown != ("etag" in answer.headers):
            wrong.append(f"{route}: {'shown' if shown else 'not shown'}")

    assert wrong == []


def test_answer_to_a_change_has_the_new_etag(api: Api) -> None:
    api.make_project()
    before = _etag(api, SEGMENT)

    changed = api.request("PATCH", SEGMENT, {"name": "Everyone here"}, headers={"If-Match": before})
    again = api.request("PATCH", SEGMENT, {"name": "Everybody here"}, headers={"If-Match": changed.headers["etag"]})

    assert changed.headers["etag"] != before
    assert again.headers["etag"] == _etag(api, SEGMENT)


def test_etag_of_a_flag_depends_on_nothing_but_its_state_in_the_environment(api: Api) -> None:
    api.make_project()
    feature, before = "/projects/shop/features/checkout", _etag(api, FLAG)
    tag_of_feature = _etag(api, feature)

    api.patch(FLAG.replace("staging", "production"), {"enabled": True})
    api.patch(feature, {"description": "The new checkout"})
    assert _etag(api, FLAG) == before
    assert _etag(api, feature) != tag_of_feature

    changed = api.request("PATCH", FLAG, {"overrides": {"staff": {"enabled": True, "priority": 3}}}, headers={"If-Match": before})
    assert changed.headers["etag"] == _etag(api, FLAG) != before
    problem_of(api.request("PATCH", FLAG, {"enabled": True}, headers={"If-Match": before}), 412, "resource_changed")
    assert api.get(FLAG)["enabled"] is False


def test_key_that_was_rotated_with_an_etag_is_not_rotated_again_with_it(api: Api) -> None:
    api.make_project()
    webhook = api.post("/projects/shop/webhooks", {"url": "https://93.184.216.34/hook"})["id"]
    key = api.post("/keys", {"name": "ci", "owner": {"kind": "service", "name": "ci"}, "grants": [{"project": "shop", "role": "viewer"}]})

    for resource, action in (
        ("/projects/shop/environments/staging", "/keys/server/rotate"),
        (f"/projects/shop/webhooks/{webhook}", "/rotate"),
        (f"/keys/{key['id']}", "/rotate"),
    ):
        headers = {"If-Match": _etag(api, resource)}
        rotated = api.request("POST", resource + action, headers=headers)
        assert rotated.headers["etag"] == _etag(api, resource)
        problem_of(api.request("POST", resource + action, headers=headers), 412, "resource_changed")


def test_repeated_request_gets_the_first_answer_although_its_etag_is_stale_by_then(api: Api) -> None:
    api.make_project()
    path = "/projects/shop/environments/staging"
    headers = {"If-Match": _etag(api, path), "Idempotency-Key": "rotate-1"}

    first = api.request("POST", f"{path}/keys/client/rotate", headers=headers)
    second = api.request("POST", f"{path}/keys/client/rotate", headers=headers)

    assert (second.status_code, second.json(), second.headers["etag"]) == (200, first.json(), first.headers["etag"])


def _send_both(api: Api, resource: str, *requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """Send two requests at once with the current tag. Return the answers, the accepted one first."""
    etag, start = _etag(api, resource), Barrier(2)

    def send(request: tuple[str, str, Any]) -> httpx.Response:
        start.wait()
        return _conditional(api, request, etag)

    with ThreadPoolExecutor(2) as writers:
        return sorted(writers.map(send, requests), key=lambda answer: answer.status_code)


@pytest.mark.parametrize(
    "path", [FLAG, SEGMENT, "/projects/shop/features/checkout", "/projects/shop/environments/staging", "/projects/shop"]
)
def test_only_one_of_two_concurrent_writers_with_the_same_etag_wins(api_on_both: Api, path: str) -> None:
    api_on_both.make_project()

    for turn in range(5):
        bodies = [{"value" if path == FLAG else "name": f"{writer}'s {turn}"} for writer in ("vera", "victor")]
        answers = _send_both(api_on_both, path, *(("PATCH", path, body) for body in bodies))

        assert [answer.status_code for answer in answers] == [200, 412]
        assert _etag(api_on_both, path) == answers[0].headers["etag"]


def test_only_one_of_two_concurrent_rotations_with_the_same_etag_wins(api_on_both: Api) -> None:
    api_on_both.make_project()
    webhook = api_on_both.post("/projects/shop/webhooks", {"url": "https://93.184.216.34/hook"})["id"]
    owner, grants = {"kind": "service", "name": "ci"}, [{"project": "shop", "role": "viewer"}]
    key = api_on_both.post("/keys", {"name": "ci", "owner": owner, "grants": grants})["id"]
    rotations = {
        "/projects/shop/environments/staging": "/keys/client/rotate",
        f"/projects/shop/webhooks/{webhook}": "/rotate",
        f"/keys/{key}": "/rotate",
    }

    for resource, action in [*rotations.items()] * 3:
        answers = _send_both(api_on_both, resource, *[("POST", resource + action, None)] * 2)
        assert [answer.status_code for answer in answers] == [200, 412], resource
