"""Webhooks over HTTP: made, changed, rotated, deleted; what they were told; and where they may not lead."""

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
    """The API where webhooks may lead to this machine, with the project `shop`."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    for api in serve(sqlite_url, webhooks_allow_private=True):
        api.make_project()
        yield api


def _make(api: Api, **more: Any) -> Any:
    return api.post(WEBHOOKS, {"url": URL} | more)


def _deliveries(api: Api, webhook: Any, **params: str) -> list[Any]:
    items: list[Any] = api.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", **params)["items"]
    return items


def test_a_webhook_tells_of_everything_unless_events_are_named_and_shows_its_secret_once(project: Api) -> None:
    made = _make(project)
    some = _make(project, name="Chat", events=["release.blocked", "stage.acted", "release.blocked"])

    shown = {field: value for field, value in made.items() if field not in ("secret", "old_secret_until")}
    assert made["secret"].startswith("whsec_")
    assert (made["name"], made["events"]) == ("93.184.216.34", [event.value for event in WebhookEvent])
    assert (some["name"], some["events"]) == ("Chat", ["stage.acted", "release.blocked"])
    assert project.get(f"{WEBHOOKS}/{made['id']}") == shown
    assert [each["id"] for each in project.get(WEBHOOKS)["items"]] == [some["id"], made["id"]]
    assert made["secret"] not in json.dumps(project.get(WEBHOOKS))


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_of_the_public_internet_is_refused_and_changes_nothing(project: Api, url: str) -> None:
    made = _make(project)

    created = problem_of(project.request("POST", WEBHOOKS, {"url": url}), 422, "address_refused")
    changed = problem_of(project.request("PATCH", f"{WEBHOOKS}/{made['id']}", {"url": url}), 422, "address_refused")

    assert pointers(created) == pointers(changed) == ["/url"]
    assert [each["url"] for each in project.get(WEBHOOKS)["items"]] == [URL]


def test_private_addresses_and_plain_http_are_taken_where_the_setting_says_so(private: Api) -> None:
    assert _make(private, url="http://127.0.0.1:9/hook")["url"] == "http://127.0.0.1:9/hook"
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
def test_a_body_that_makes_no_sense_is_refused_where_it_is_wrong(project: Api, body: Any, pointer: str) -> None:
    assert pointers(problem_of(project.request("POST", WEBHOOKS, body), 422, "invalid")) == [pointer]


def test_a_project_has_a_limited_number_of_them(project: Api) -> None:
    for _ in range(MOST_WEBHOOKS):
        made = _make(project)

    problem_of(project.request("POST", WEBHOOKS, {"url": URL}), 409, "conflict")
    project.request("DELETE", f"{WEBHOOKS}/{made['id']}")
    assert _make(project)


def test_what_is_left_out_of_a_change_stays(project: Api) -> None:
    made = _make(project, events=["stop.placed"])

    renamed = project.patch(f"{WEBHOOKS}/{made['id']}", {"name": "Chat"})
    changed = project.patch(f"{WEBHOOKS}/{made['id']}", {"events": ["release.removed"]})

    assert (renamed["name"], renamed["events"], renamed["url"]) == ("Chat", ["stop.placed"], URL)
    assert changed == renamed | {"events": ["release.removed"]} == project.get(f"{WEBHOOKS}/{made['id']}")


def test_what_happens_is_listed_as_deliveries_newest_first(project: Api) -> None:
    made, other = _make(project), _make(project, events=["release.removed"])
    project.publish(pipeline(stage("Development")))
    release = project.add()["id"]
    project.post(f"/projects/shop/releases/{release}/remove")

    told = _deliveries(project, made)

    assert [each["event"] for each in told] == ["release.removed", "stage.entered", "release.added"]
    assert {(each["release"], each["status"], each["attempts"]) for each in told} == {(release, "pending", 0)}
    assert [each["event"] for each in _deliveries(project, other)] == ["release.removed"]
    assert _deliveries(project, made, status="given_up") == []
    assert len(_deliveries(project, made, status="pending")) == 3


def test_a_stop_and_a_freeze_are_told(project: Api) -> None:
    made = _make(project)
    stop = project.post("/projects/shop/stops", {"reason": "incident"})["id"]
    project.post(f"/projects/shop/stops/{stop}/lift")
    period = {"name": "Holidays", "starts_at": "2030-01-01T00:00Z", "ends_at": "2030-01-02T00:00Z"}
    freeze = project.post("/projects/shop/freezes", period)["id"]
    project.request("DELETE", f"/projects/shop/freezes/{freeze}")

    assert [each["event"] for each in _deliveries(project, made)] == ["freeze.deleted", "freeze.created", "stop.lifted", "stop.placed"]


def test_a_delivery_is_sent_again_under_its_id(project: Api) -> None:
    made = _make(project, events=["stop.placed"])
    project.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = _deliveries(project, made)

    again = project.post(f"{WEBHOOKS}/{made['id']}/deliveries/{delivery['id']}/resend")

    assert (again["id"], again["status"], again["attempts"]) == (delivery["id"], "pending", 0)
    assert again["next_attempt_at"] > delivery["next_attempt_at"]
    assert [each["id"] for each in _deliveries(project, made)] == [delivery["id"]]


def test_a_delivery_of_another_webhook_or_project_is_not_found(project: Api) -> None:
    made, other = _make(project, events=["stop.placed"]), _make(project)
    project.post("/projects", {"key": "bakery"})
    project.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = _deliveries(project, made)

    for path in (f"{WEBHOOKS}/{other['id']}", f"/projects/bakery/webhooks/{made['id']}"):
        problem_of(project.request("POST", f"{path}/deliveries/{delivery['id']}/resend"), 404, "not_found")
    problem_of(project.request("GET", f"/projects/bakery/webhooks/{made['id']}"), 404, "not_found")


def test_a_rotation_answers_with_another_secret_and_how_long_the_old_one_is_good(project: Api) -> None:
    made = _make(project)

    rotated = project.post(f"{WEBHOOKS}/{made['id']}/rotate")

    assert rotated["secret"] != made["secret"]
    assert (made["old_secret_until"], rotated["old_secret_until"] > made["created_at"]) == (None, True)


def test_a_deleted_webhook_is_gone_and_hears_no_more(project: Api) -> None:
    made = _make(project)

    assert project.request("DELETE", f"{WEBHOOKS}/{made['id']}").status_code == 204

    project.post("/projects/shop/stops", {"reason": "incident"})
    problem_of(project.request("DELETE", f"{WEBHOOKS}/{made['id']}"), 404, "not_found")
    problem_of(project.request("GET", f"{WEBHOOKS}/{made['id']}/deliveries"), 404, "not_found")


def test_a_deleted_project_takes_its_webhooks_and_their_secrets_along(project: Api, sqlite_url: str) -> None:
    secret = _make(project)["secret"]
    project.post("/projects/shop/stops", {"reason": "incident"})

    assert project.request("DELETE", "/projects/shop").status_code == 204

    database = Database(sqlite_url)
    with database.reading() as store:
        left = [store.connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in ("webhooks", "deliveries")]
    database.close()
    assert left == [0, 0]
    assert secret


def test_the_audit_log_tells_who_did_what_and_neither_path_nor_secret(project: Api) -> None:
    made = _make(project, events=["stop.placed"])
    project.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = _deliveries(project, made)
    project.patch(f"{WEBHOOKS}/{made['id']}", {"name": "Chat"})
    secret = project.post(f"{WEBHOOKS}/{made['id']}/rotate")["secret"]
    project.post(f"{WEBHOOKS}/{made['id']}/deliveries/{delivery['id']}/resend")
    project.request("DELETE", f"{WEBHOOKS}/{made['id']}")

    entries = [each for each in project.get("/projects/shop/audit", limit=200)["items"] if each["event"].startswith("webhook.")]

    events = [each["event"] for each in reversed(entries)]
    assert events == [f"webhook.{what}" for what in ("created", "changed", "rotated", "resent", "deleted")]
    assert {each["actor"]["owner"] for each in entries} == {"bootstrap"}
    assert [word for word in ("path-is-a-password", made["secret"], secret) if word in json.dumps(entries)] == []
