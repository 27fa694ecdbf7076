"""A request that is repeated with the same Idempotency-Key is carried out once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from activities.store.database import Database
from activities.store.tables import requests
from tests.api.answers import pointers, problem_of
from tests.api.routes import PLACES, prepare
from tests.http import Api
from tests.pipelines import pipeline, stage

CONTROLS = ("resume", "advance", "skip", "retry", "restart", "approve", "reject")
"""They need Temporal, or a stage with an approval gate: see test_gates.py."""
THROUGH_TEMPORAL = tuple(f"POST /projects/{{project}}/releases/{{release}}/{control}" for control in CONTROLS)
KEYS = ("POST /keys", "POST /keys/{key}/rotate")
WEBHOOKS = ("POST /projects/{project}/webhooks", "POST /projects/{project}/webhooks/{webhook}/rotate")
WITH_A_SECRET = (*KEYS, *WEBHOOKS)
WITHOUT_EFFECT = (
    "POST /projects/{project}/pipelines/{pipeline}/simulate",
    "POST /projects/{project}/connection/check",
    "POST /projects/{project}/sources/{source}/check",
    "POST /projects/{project}/metrics/ask",
)
"""They change nothing, so every repetition is carried out."""

POSTS = [route for route in PLACES if route.startswith("POST") and route not in (*THROUGH_TEMPORAL, *WITH_A_SECRET, *WITHOUT_EFFECT)]


def _send(api: Api, path: str, body: Any, key: str) -> httpx.Response:
    return api.request("POST", path, body, headers={"Idempotency-Key": key})


def _audited(api: Api) -> list[Any]:
    entries: list[Any] = api.get("/projects/shop/audit")["items"]
    return entries


def _is_replayed(answer: httpx.Response) -> bool:
    return "idempotency-replayed" in answer.headers


@pytest.mark.parametrize("route", POSTS)
def test_repeated_request_gets_the_first_answer_and_changes_nothing(api_on_both: Api, route: str) -> None:
    api_on_both.make_project()
    _, path, body = prepare(api_on_both, route)

    first = _send(api_on_both, path, body, "once")
    entries = _audited(api_on_both)
    second = _send(api_on_both, path, body, "once")

    assert first.is_success, first.text
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers.get("etag") == first.headers.get("etag")
    assert (_is_replayed(first), _is_replayed(second)) == (False, True)
    assert _audited(api_on_both) == entries


def test_different_body_under_the_same_key_is_refused(api: Api) -> None:
    _send(api, "/projects", {"key": "shop", "name": "Shop"}, "once")

    same = _send(api, "/projects", {"name": "Shop", "key": "shop"}, "once")
    other = _send(api, "/projects", {"key": "bakery"}, "once")

    assert _is_replayed(same)
    assert pointers(problem_of(other, 422, "idempotency_key_reused")) == ["/idempotency-key"]
    assert [each["key"] for each in api.get("/projects")["items"]] == ["shop"]


def test_idempotency_key_is_scoped_to_caller_and_route(api: Api) -> None:
    api.make_project()
    other = api.make_key("oscar", {"role": "owner"})

    answers = [_send(api, "/projects", {"key": "a"}, "1"), _send(other, "/projects", {"key": "b"}, "1")]
    answers.append(_send(api, "/projects/shop/environments", {"key": "a"}, "1"))

    assert [answer.status_code for answer in answers] == [201, 201, 201]


def test_refused_request_can_be_sent_again(api: Api) -> None:
    api.make_project()
    adding = {"pipeline": "standard", "feature": "checkout"}
    assert _send(api, "/projects/shop/releases", adding, "once").status_code == 422

    api.publish(pipeline(stage("Development")))

    assert _send(api, "/projects/shop/releases", adding, "once").status_code == 201


def test_concurrent_repetitions_are_carried_out_once(api_on_both: Api) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Development")))
    adding = {"pipeline": "standard", "feature": "checkout"}

    with ThreadPoolExecutor(6) as clients:
        answers = list(clients.map(lambda _: _send(api_on_both, "/projects/shop/releases", adding, "once"), range(6)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(map(_is_replayed, answers)) == [False] + 5 * [True]


@pytest.mark.parametrize("route", WEBHOOKS)
def test_webhook_secret_is_shown_once(api_on_both: Api, route: str) -> None:
    api_on_both.make_project()
    _, path, body = prepare(api_on_both, route)

    made = _send(api_on_both, path, body, "once").json()
    again = problem_of(_send(api_on_both, path, body, "once"), 409, "secret_shown_once")

    assert again["details"] == {"webhook": made["id"]}
    assert made["secret"] not in str(again)
    assert len(api_on_both.get("/projects/shop/webhooks")["items"]) == 1


@pytest.mark.parametrize("route", KEYS)
def test_secret_of_a_key_is_not_stored_for_repetitions(api_on_both: Api, route: str) -> None:
    api_on_both.make_project()
    _, path, body = prepare(api_on_both, route)

    made = _send(api_on_both, path, body, "once").json()
    again = problem_of(_send(api_on_both, path, body, "once"), 409, "secret_shown_once")

    assert again["details"] == {"key": made["id"]}
    assert made["secret"] not in str(again)
    assert [each["id"] for each in api_on_both.get("/keys")["items"]].count(made["id"]) == 1
    assert api_on_both.with_key(made["secret"]).get("/whoami")["id"] == made["id"]


def test_different_control_under_a_used_key_is_refused(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    path = f"/projects/shop/releases/{api.add()['id']}/remove"
    _send(api, path, {"reason": "too early"}, "once")

    problem_of(_send(api, path, {"reason": "too late"}, "once"), 422, "idempotency_key_reused")


def test_idempotency_key_is_free_after_a_day(api: Api, shared_sqlite: str) -> None:
    _send(api, "/projects", {"key": "shop"}, "once")
    database = Database(shared_sqlite)
    with database.transaction() as store:
        store.connection.execute(update(requests).values(at=datetime.now(UTC) - timedelta(hours=25)))
    database.close()

    problem_of(_send(api, "/projects", {"key": "shop"}, "once"), 409, "conflict")
    assert _send(api, "/projects", {"key": "bakery"}, "once").status_code == 201


@pytest.mark.parametrize("control", ["advance", "pause"])
def test_refused_control_leaves_its_idempotency_key_free(api: Api, control: str) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    path = f"/projects/shop/releases/{api.add()['id']}"
    api.post(f"{path}/remove")

    problem_of(_send(api, f"{path}/{control}", {"reason": "one"}, "same"), 409, "control_not_allowed")
    problem_of(_send(api, f"{path}/{control}", {"reason": "another"}, "same"), 409, "control_not_allowed")
