"""Requests that no page of the dashboard sends: each is refused on a page, and none changes anything."""

from http import HTTPStatus

import pytest

from tests.conftest import serve_without_temporal
from tests.dashboard.conftest import SignIn
from tests.dashboard.visitor import Visitor
from tests.http import OWNER_KEY, Api
from tests.pipelines import pipeline, stage

HOME = "/projects/shop"
HUGE = "9" * 5_000
"""More digits than Python converts to an integer."""


def _publish(api: Api) -> None:
    api.publish(pipeline(stage("Development", wait="1d"), parameters={"limit": {"type": "integer"}}))


def test_a_number_of_any_length_in_a_form_is_refused_on_a_page(api: Api, sign_in: SignIn) -> None:
    _publish(api)
    visitor = sign_in()
    chosen = {"pipeline": "standard", "feature": "checkout", "parameter.limit": HUGE}

    added = visitor.send(f"{HOME}/releases/new", **chosen)
    simulated = visitor.client.get(f"{HOME}/pipelines/standard/simulate", params=chosen)
    release = api.add(parameters={"limit": 1})["id"]
    paused = visitor.send(f"{HOME}/releases/{release}/pause", expected_stage="Development", expected_visit=HUGE)

    assert (added.status_code, simulated.status_code, paused.status_code) == (422, 200, 422)
    assert 'class="alert bad"' in simulated.text
    assert api.release(release)["status"] == "starting"


@pytest.mark.parametrize("zone", ["Europe", "é", "../../etc/passwd", "a" * 300])
def test_a_time_zone_that_does_not_exist_is_refused_on_the_page_of_the_simulation(api: Api, sign_in: SignIn, zone: str) -> None:
    _publish(api)

    shown = sign_in().client.get(f"{HOME}/pipelines/standard/simulate", params={"starts_at": "2027-01-01T09:00", "timezone": zone})

    assert shown.status_code == 200
    assert 'role="alert"' in shown.text


@pytest.mark.parametrize(
    "content",
    [
        {"files": {"reason": ("reason.txt", b"late")}},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": {f"field-{number}": "x" for number in range(201)}},
    ],
    ids=["a file", "no part", "no boundary", "too many fields"],
)
def test_a_form_that_cannot_be_read_is_refused_on_a_page(api: Api, sign_in: SignIn, content: dict[str, object]) -> None:
    refused = sign_in().client.post(f"{HOME}/stops/new", **content)  # type: ignore[arg-type] # by name

    assert refused.status_code == 400
    assert "The form can&#39;t be read" in refused.text
    assert refused.headers["cache-control"] == "no-store"
    assert api.get(f"{HOME}/stops")["items"] == []


def test_a_new_sign_in_ends_the_session_that_the_browser_had(sign_in: SignIn, visitor: Visitor) -> None:
    signed_in = sign_in()
    before = dict(signed_in.client.cookies)

    signed_in.sign_in()
    visitor.client.cookies.update(before)

    assert signed_in.look(HOME).url.path == HOME
    assert visitor.look(HOME).url.path == "/sign-in"


@pytest.mark.parametrize("to", ["/sign-in/openid?connect=true", "/sign-in", "/sign-out"])
def test_a_link_to_the_sign_in_page_never_leads_to_another_sign_in(visitor: Visitor, to: str) -> None:
    shown = visitor.client.get("/sign-in", params={"to": to})

    assert ("connect" in shown.text) is False
    assert f'name="to" value="{"" if to.startswith("/sign-in") else to}"' in shown.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, HTTPStatus.FORBIDDEN),
        ({"Origin": "null"}, HTTPStatus.FORBIDDEN),
        ({"Origin": "{here}"}, HTTPStatus.SEE_OTHER),
        ({"Origin": "http://flags.example", "X-Forwarded-Host": "flags.example"}, HTTPStatus.SEE_OTHER),
    ],
)
def test_without_tls_the_origin_shows_that_another_site_sent_a_sign_in(
    api: Api, visitor: Visitor, headers: dict[str, str], status: HTTPStatus
) -> None:
    sent = {name: value.format(here=api.address) for name, value in headers.items()}

    answer = visitor.client.post("/sign-in", data={"key": OWNER_KEY}, headers=sent, follow_redirects=False)

    assert answer.status_code == status


@pytest.mark.parametrize("path", [f"{HOME}/stops/new?scope=project", "/new-project", "/sign-in"])
def test_a_form_that_is_too_large_is_refused_on_a_page_that_leads_back_to_it(api: Api, sign_in: SignIn, path: str) -> None:
    refused = sign_in().client.post(path, data={"/reason": "x" * 300_000})

    assert refused.status_code == 413
    assert "<h1>The form is too large</h1>" in refused.text
    assert "A form may have at most 256 KiB" in refused.text
    assert f'href="{path}">Open the page again</a>' in refused.text
    assert refused.headers["x-frame-options"] == "DENY"
    assert api.get(f"{HOME}/stops")["items"] == []


def test_without_the_dashboard_a_body_that_is_too_large_is_answered_with_a_problem_everywhere(sqlite_url: str) -> None:
    serving = serve_without_temporal(sqlite_url, dashboard=False)
    api = next(serving)

    refused = api.client.post(f"{api.address}{HOME}/stops/new", data={"/reason": "x" * 300_000})

    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    next(serving, None)
