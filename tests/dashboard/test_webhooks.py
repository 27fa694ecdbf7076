"""Webhooks from the dashboard."""

import re

import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.test_environments import hidden
from tests.http import Api

HOME = "/projects/shop/webhooks"
URL = "https://9.9.9.9/hooks/flags"
EVENTS = {"/events/stop.placed": "on", "/events/release.blocked": "on"}


@pytest.fixture
def webhook(api: Api) -> str:
    """A webhook for the event `stop.placed`."""
    return str(api.post(HOME, {"url": URL, "name": "Chat", "events": ["stop.placed"]})["id"])


def test_a_webhook_is_created_and_its_secret_shown_once(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    form = {"/url": URL, **EVENTS, "once": hidden(visitor.look(f"{HOME}/new"), "once")}

    made = visitor.send(f"{HOME}/new", **form)
    reloaded = visitor.send(f"{HOME}/new", **form)

    [webhook] = api.get(HOME)["items"]
    assert (webhook["url"], webhook["events"]) == (URL, ["release.blocked", "stop.placed"])
    secret = re.search(r'<code id="secret">(whsec_[^<]+)</code>', made.text)
    assert secret
    assert reloaded.status_code == 409
    assert secret[1] not in reloaded.text + visitor.look(f"{HOME}/{webhook['id']}").text


def test_a_refused_address_is_named_at_its_field(sign_in: SignIn) -> None:
    refused = sign_in().send(f"{HOME}/new", **{"/url": "https://127.0.0.1/", "/name": "Mine", **EVENTS})

    assert refused.status_code == 422
    assert 'id="/url-problem"' in refused.text
    assert 'value="Mine"' in refused.text


def test_a_change_is_shown_and_then_made(api: Api, sign_in: SignIn, webhook: str) -> None:
    visitor = sign_in()
    form = {"/url": URL, "/name": "Chat", **EVENTS, "etag": hidden(visitor.look(f"{HOME}/{webhook}/edit"), "etag")}

    preview = visitor.send(f"{HOME}/{webhook}/edit", **form)
    assert "<ins>release.blocked, stop.placed</ins>" in preview.text
    assert '<th scope="row">url</th>' not in preview.text
    visitor.send(f"{HOME}/{webhook}/edit", **form, confirmed=hidden(preview, "confirmed"))

    assert api.get(f"{HOME}/{webhook}")["events"] == ["release.blocked", "stop.placed"]


def test_a_delivery_is_listed_and_sent_again(api: Api, sign_in: SignIn, webhook: str) -> None:
    api.post("/projects/shop/stops", {"reason": "incident"})
    [delivery] = api.get(f"{HOME}/{webhook}/deliveries")["items"]
    visitor = sign_in()

    assert "stop.placed" in visitor.look(f"{HOME}/{webhook}?status=pending").text
    asked = visitor.look(f"{HOME}/{webhook}/deliveries/{delivery['id']}/resend")
    assert f"The event stop.placed is sent to {URL} at once" in asked.text
    assert api.get(f"{HOME}/{webhook}/deliveries")["items"] == [delivery]
    again = visitor.send(f"{HOME}/{webhook}/deliveries/{delivery['id']}/resend", once=hidden(asked, "once"))

    assert again.status_code == 200
    [sent] = api.get(f"{HOME}/{webhook}/deliveries")["items"]
    assert sent["next_attempt_at"] > delivery["next_attempt_at"]


def test_a_secret_is_replaced_and_a_webhook_deleted(api: Api, sign_in: SignIn, webhook: str) -> None:
    visitor = sign_in()

    rotated = visitor.send(f"{HOME}/{webhook}/rotate", etag=hidden(visitor.look(f"{HOME}/{webhook}/rotate"), "etag"))
    assert "whsec_" in rotated.text
    assert visitor.send(f"{HOME}/{webhook}/delete", etag="stale").status_code == 412
    visitor.send(f"{HOME}/{webhook}/delete", etag=hidden(visitor.look(f"{HOME}/{webhook}/delete"), "etag"))

    assert api.get(HOME)["items"] == []


def test_only_admins_see_webhooks_or_change_them(api: Api, sign_in: SignIn, webhook: str) -> None:
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["*"]})))

    assert HOME not in operator.look("/projects/shop").text
    for path in ("", "/new", f"/{webhook}", f"/{webhook}/edit", f"/{webhook}/rotate", f"/{webhook}/delete"):
        assert operator.look(HOME + path).status_code == 403
    for path in ("/new", f"/{webhook}/edit", f"/{webhook}/rotate", f"/{webhook}/delete", f"/{webhook}/deliveries/d/resend"):
        assert operator.send(HOME + path, **{"/url": URL, **EVENTS}).status_code == 403
