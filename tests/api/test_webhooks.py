"""Webhooks over HTTP, their deliveries, and the URLs that they may not have."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from activities.store.database import Database
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import MOST_WEBHOOKS
from tests.api.answers import pointers, problem_of
from tests.conftest import serve
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.ports import free_port

URL = "https://93.184.216.34/hooks/path-is-a-password"
WEBHOOKS = "/projects/shop/webhooks"
REFUSED = [
    "http://93.184.216.34/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:93.184.216.34]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[ff02::1]/",
    "https://no-such-host.invalid/",
    "https://erin:password@93.184.216.34/",
]


@pytest.fixture
def project(api: Api) -> Api:
    """The API, with the project `shop`."""
    api.make_project()
    return api


@pytest.fixture
def private(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API with the project `shop`, where webhooks may use private addresses."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    for api in serve(sqlite_url, webhooks_allow_private=True):
        api.make_project()
        yield api


def _create(api: Api, **more: Any) -> Any:
    return api.post(WEBHOOKS, {"url": URL} | more)


def _deliveries(api: Api, webhook: Any, **params: str) -> list[Any]:
    items: list[Any] = api.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", **params)["items"]
    return items


def test_webhook_has_all_events_by_default_and_shows_its_secret_once(project: Api) -> None:
    webhook = _create(project)
    some = _create(project, name="Chat", events=["release.blocked", "stage.acted", "release.blocked"])

    shown = {field: value for field, value in webhook.items() if field not in ("secret", "old_secret_until")}
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["name"], webhook["events"]) == ("93.184.216.34", [event.value for event in WebhookEvent])
    assert (some["name"], some["events"]) == ("Chat", ["stage.acted", "release.blocked"])
    assert project.get(f"{WEBHOOKS}/{webhook['id']}") == shown
    assert [each["id"] for each in project.get(WEBHOOKS)["items"]] == [some["id"], webhook["id"]]
    assert webhook["secret"] not in json.dumps(project.get(WEBHOOKS))


@pytest.mark.parametrize("url", REFUSED)
def test_url_without_a_public_address_is_refused_and_changes_nothing(project: Api, url: str) -> None:
    webhook = _create(project)

    created = problem_of(project.request("POST", WEBHOOKS, {"url": url}), 422, "address_refused")
    changed = problem_of(project.request("PATCH", f"{WEBHOOKS}/{webhook['id']}", {"url": url}), 422, "address_refused")

    assert pointers(created) == pointers(changed) == ["/url"]
    assert [each["url"] for each in project.get(WEBHOOKS)["items"]] == [URL]


def test_private_addresses_and_plain_http_are_accepted_with_the_setting(private: Api) -> None:
    assert _create(private, url="http://127.0.0.1:9/hook")["url"] == "http://127.0.0.1:9/hook"
    problem_of(private.request("POST", WEBHOOKS, {"url": "http://no-such-host.invalid/"}), 422, "address_refused")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "events": ["stage.exploded"]}, "/events/0"),
        ({"url": f"{URL}{'x' * 2_000}"}, "/url"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret"),
    ],
)
def test_invalid_webhook_is_refused_and_pointed_at(project: Api, body: Any, pointer: str) -> None:
    assert pointers(problem_of(project.request("POST", WEBHOOKS, body), 422, "invalid")) == [pointer]


def test_project_has_a_limited_number_of_webhooks(project: Api) -> None:
    for _ in range(MOST_WEBHOOKS):
        webhook = _create(project)

    problem_of(project.request("POST", WEBHOOKS, {"url": URL}), 409, "conflict")
    project.request("DELETE", f"{WEBHOOKS}/{webhook['id']}")
    assert _create(project)


def test_fields_left_out_of_a_change_do_not_change(project: Api) -> None:
    webhook = _create(project, events=["stop.placed"])

    renamed = project.patch(f"{WEBHOOKS}/{webhook['id']}", {"name": "Chat"})
    changed = project.patch(f"{WEBHOOKS}/{webhook['id']}", {"events": ["release.removed"]})

    assert (renamed["name"], renamed["events"], renamed["url"]) == ("Chat", ["stop.placed"], URL)
    assert changed == renamed | {"events": ["release.removed"]} == project.get(f"{WEBHOOKS}/{webhook['id']}")


def test_events_are_listed_as_deliveries_newest_first(project: Api) -> None:
    webhook, other = _create(project), _create(project, events=["release.removed"])
    project.publish(pipeline(stage("Development")))
    release = project.add()["id"]
    project.post(f"/projects/shop/releases/{release}/remove")

    deliveries = _deliveries(project, webhook)

    assert [each["event"] for each in deliveries] == ["release.removed", "stage.entered", "release.added"]
    assert {(each["release"], each["status"], each["attempts"]) for each in deliveries} == {(release, "pending", 0)}
    assert [each["event"] for each in _deliveries(project, other)] == ["release.removed"]
    assert _deliveries(project, webhook, status="given_up") == []
    assert len(_deliveries(project, webhook, status="pending")) == 3


def test_stops_and_freezes_are_delivered(project: Api) -> None:
    webhook = _create(project)
    stop = project.post("/projects/shop/stops", {"reason": "incident"})["id"]
    project.post(f"/projects/shop/stops/{stop}/lift")
    period = {"name": "Holidays", "starts_at": "2030-01-01T00:00Z", "ends_at": "2030-01-02T00:00Z"}
    freeze = project.post("/projects/shop/freezes", period)["id"]
    project.request("DELETE", f"/projects/shop/freezes/{freeze}")

    assert [each["event"] for each in _deliveries(project, webhook)] == ["freeze.deleted", "freeze.created", "stop.lifted", "stop.placed"]


def test_changes_by_hand_are_delivered_without_values(project: Api, shared_sqlite: str) -> None:
    webhook = _create(project)
    flag = "/projects/shop/environments/staging/features/checkout"
    project.patch(flag, {"value": "secret offer", "enabled": False})
    project.patch(flag, {"value": "secret offer"})
    project.patch("/projects/shop/segments/staff", {"name": "Everyone here"})
    project.request("DELETE", "/projects/shop/segments/staff")
    project.request("DELETE", "/projects/shop/features/checkout")

    events = ["feature.deleted", "segment.deleted", "segment.changed", "flag.changed"]
    assert [each["event"] for each in _deliveries(project, webhook)] == events
    database = Database(shared_sqlite)
    with database.reading() as store:
        sent = [json.loads(body)["data"] for body in store.connection.execute(text("SELECT body FROM deliveries ORDER BY id")).scalars()]
    database.close()
    assert [(each["feature"], each["segment"], each["details"].get("fields")) for each in sent] == [
        ("checkout", None, ["value"]),
        (None, "staff", ["name"]),
        (None, "staff", None),
        ("checkout", None, None),
    ]
    assert "secret offer" not in str(sent)


def test_delivery_is_resent_with_the_same_id(project: Api) -> None:
    webhook = _create(project, events=["stop.placed"])
    project.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = _deliveries(project, webhook)

    again = project.post(f"{WEBHOOKS}/{webhook['id']}/deliveries/{delivery['id']}/resend")

    assert (again["id"], again["status"], again["attempts"]) == (delivery["id"], "pending", 0)
    assert again["next_attempt_at"] > delivery["next_attempt_at"]
    assert [each["id"] for each in _deliveries(project, webhook)] == [delivery["id"]]


def test_delivery_of_another_webhook_or_project_is_not_found(project: Api) -> None:
    webhook, other = _create(project, events=["stop.placed"]), _create(project)
    project.post("/projects", {"key": "bakery"})
    project.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = _deliveries(project, webhook)

    for path in (f"{WEBHOOKS}/{other['id']}", f"/projects/bakery/webhooks/{webhook['id']}"):
        problem_of(project.request("POST", f"{path}/deliveries/{delivery['id']}/resend"), 404, "not_found")
    problem_of(project.request("GET", f"/projects/bakery/webhooks/{webhook['id']}"), 404, "not_found")


def test_rotation_returns_a_new_secret_and_the_expiry_of_the_old_one(project: Api) -> None:
    webhook = _create(project)

    rotated = project.post(f"{WEBHOOKS}/{webhook['id']}/rotate")

    assert rotated["secret"] != webhook["secret"]
    assert (webhook["old_secret_until"], rotated["old_secret_until"] > webhook["created_at"]) == (None, True)


def test_deleted_webhook_gets_no_more_deliveries(project: Api) -> None:
    webhook = _create(project)

    assert project.request("DELETE", f"{WEBHOOKS}/{webhook['id']}").status_code == 204

    project.post("/projects/shop/stops", {"reason": "incident"})
    problem_of(project.request("DELETE", f"{WEBHOOKS}/{webhook['id']}"), 404, "not_found")
    problem_of(project.request("GET", f"{WEBHOOKS}/{webhook['id']}/deliveries"), 404, "not_found")


def test_deleting_a_project_deletes_its_webhooks_and_their_secrets(project: Api, shared_sqlite: str) -> None:
    secret = _create(project)["secret"]
    project.post("/projects/shop/stops", {"reason": "incident"})

    assert project.request("DELETE", "/projects/shop").status_code == 204

    database = Database(shared_sqlite)
    with database.reading() as store:
        left = [store.connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in ("webhooks", "deliveries")]
    database.close()
    assert left == [0, 0]
    assert secret


def test_audit_log_of_webhooks_contains_neither_path_nor_secret(project: Api) -> None:
    webhook = _create(project, events=["stop.placed"])
    project.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = _deliveries(project, webhook)
    project.patch(f"{WEBHOOKS}/{webhook['id']}", {"name": "Chat"})
    secret = project.post(f"{WEBHOOKS}/{webhook['id']}/rotate")["secret"]
    project.post(f"{WEBHOOKS}/{webhook['id']}/deliveries/{delivery['id']}/resend")
    project.request("DELETE", f"{WEBHOOKS}/{webhook['id']}")

    entries = [each for each in project.get("/projects/shop/audit", limit=200)["items"] if each["event"].startswith("webhook.")]

    events = [each["event"] for each in reversed(entries)]
    assert events == [f"webhook.{what}" for what in ("created", "changed", "rotated", "resent", "deleted")]
    assert {each["actor"]["owner"] for each in entries} == {"bootstrap"}
    assert [word for word in ("path-is-a-password", webhook["secret"], secret) if word in json.dumps(entries)] == []
