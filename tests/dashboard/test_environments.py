"""Environments from the dashboard, and what all short forms have in common."""

import html
import re

import httpx
import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.http import Api

HOME = "/projects/shop/environments"
ACTS = ("new", "staging/rename", "staging/keys/client/rotate", "staging/delete")


def hidden(page: httpx.Response, name: str) -> str:
    """Return a hidden field, or the value of a button."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, f"no field {name}"
    return html.unescape(found[1])


def test_an_environment_is_created(api: Api, sign_in: SignIn) -> None:
    page = sign_in().send(f"{HOME}/new", **{"/key": "demo", "/name": "Demo"})

    assert "Done." in page.text
    assert api.get("/projects/shop/environments/demo")["name"] == "Demo"


def test_a_mistake_is_named_at_its_field_and_what_was_typed_is_kept(sign_in: SignIn) -> None:
    page = sign_in().send(f"{HOME}/new", **{"/key": "My Demo", "/name": "A demo"})

    assert page.status_code == 422
    assert "<title>Problem: Create an environment" in page.text
    assert 'id="problems" autofocus' in page.text
    assert '<a href="#/key">Key: Must have 1 to 64 characters' in page.text
    assert 'id="/key-problem">Must have 1 to 64 characters' in page.text
    assert 'name="/key" value="My Demo" aria-invalid="true"' in page.text
    assert 'value="A demo"' in page.text


def test_a_new_name_is_shown_before_it_is_given(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    etag = hidden(visitor.look(f"{HOME}/staging/rename"), "etag")

    preview = visitor.send(f"{HOME}/staging/rename", etag=etag, **{"/name": "Last check"})
    assert api.get("/projects/shop/environments/staging")["name"] == "staging"
    assert "<del>&#34;staging&#34;</del>" in preview.text
    assert "<ins>&#34;Last check&#34;</ins>" in preview.text
    confirmed = hidden(preview, "confirmed")
    other = visitor.send(f"{HOME}/staging/rename", etag=etag, confirmed=confirmed, **{"/name": "Other"})
    assert "<ins>&#34;Other&#34;</ins>" in other.text, "a confirmation is only for what was shown"
    done = visitor.send(f"{HOME}/staging/rename", etag=etag, confirmed=confirmed, **{"/name": "Last check"})

    assert "Done." in done.text
    assert api.get("/projects/shop/environments/staging")["name"] == "Last check"


def test_a_stale_form_is_refused_and_loses_nothing(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    etag = hidden(visitor.look(f"{HOME}/staging/rename"), "etag")
    api.patch("/projects/shop/environments/staging", {"name": "Renamed by Noah"})

    refused = visitor.send(f"{HOME}/staging/rename", etag=etag, **{"/name": "Mine"})

    assert refused.status_code == 412
    assert "has changed since you read it" in refused.text
    assert 'value="Mine"' in refused.text
    assert "<del>&#34;Renamed by Noah&#34;</del>" in refused.text
    assert hidden(refused, "etag") != etag


def test_a_key_is_replaced_and_an_environment_deleted_only_if_asked(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    before = api.get("/projects/shop/environments/staging")["client_key"]
    for act in ("keys/client/rotate", "delete"):
        assert visitor.send(f"{HOME}/staging/{act}").status_code == 412, "without the state that was shown"

    visitor.send(f"{HOME}/staging/keys/client/rotate", etag=hidden(visitor.look(f"{HOME}/staging/keys/client/rotate"), "etag"))
    assert api.get("/projects/shop/environments/staging")["client_key"] != before
    visitor.send(f"{HOME}/staging/delete", etag=hidden(visitor.look(f"{HOME}/staging/delete"), "etag"))
    assert api.request("GET", "/projects/shop/environments/staging").status_code == 404


@pytest.mark.parametrize("act", ACTS)
def test_an_operator_is_offered_no_change_and_refused_if_it_is_sent(api: Api, sign_in: SignIn, act: str) -> None:
    operator = api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["*"]})
    visitor = sign_in(key_of(operator))

    assert act not in visitor.look(HOME).text
    assert visitor.look(f"{HOME}/{act}").status_code == 403
    assert visitor.send(f"{HOME}/{act}", **{"/key": "demo", "/name": "Demo"}).status_code == 403


def test_a_viewer_does_not_see_the_server_key(api: Api, sign_in: SignIn) -> None:
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))
    keys = api.get("/projects/shop/environments/staging")

    page = viewer.look(HOME).text

    assert keys["client_key"] in page
    assert keys["server_key"] not in page
