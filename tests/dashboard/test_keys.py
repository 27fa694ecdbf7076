"""API keys from the dashboard: secrets that are shown once, and the rights that a visitor can give."""

import re

import httpx

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.test_environments import hidden
from tests.http import Api

HOME = "/projects/shop/keys"
OLGA = {"/name": "laptop", "/owner/name": "olga", "/owner/kind": "person", "/grants/0/role": "operator"}


def _secret_on(page: httpx.Response) -> str:
    found = re.search(r'<code id="secret">([^<]+)</code>', page.text)
    assert found
    return found[1]


def test_a_key_is_created_and_its_secret_shown_once(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    form = {**OLGA, "/grants/0/environments/staging": "on", "once": hidden(visitor.look(f"{HOME}/new"), "once")}

    made = visitor.send(f"{HOME}/new", **form)
    reloaded = visitor.send(f"{HOME}/new", **form)

    olga = api.with_key(_secret_on(made)).get("/whoami")
    assert olga["grants"] == [{"project": "shop", "role": "operator", "environments": ["staging"]}]
    assert reloaded.status_code == 409
    assert "its secret is shown only once" in reloaded.text
    assert [each["name"] for each in api.get("/keys")["items"]].count("laptop") == 1
    assert _secret_on(made) not in visitor.look(HOME).text


def test_an_operator_without_environments_is_told_at_the_field(sign_in: SignIn) -> None:
    refused = sign_in().send(f"{HOME}/new", **OLGA)

    assert refused.status_code == 422
    assert 'id="/grants/0/role-problem">Must have environments for the role operator' in refused.text
    assert 'value="olga"' in refused.text


def test_a_key_is_replaced_and_revoked(api: Api, sign_in: SignIn) -> None:
    olga = api.make_key("olga", {"project": "shop", "role": "viewer"})
    key = olga.get("/whoami")["id"]
    visitor = sign_in()

    rotated = visitor.send(f"{HOME}/{key}/rotate", etag=hidden(visitor.look(f"{HOME}/{key}/rotate"), "etag"))
    replaced = api.with_key(_secret_on(rotated))
    assert olga.request("GET", "/whoami").status_code == 401
    assert replaced.get("/whoami")["id"] == key
    visitor.send(f"{HOME}/{key}/revoke", etag=hidden(visitor.look(f"{HOME}/{key}/revoke"), "etag"))

    assert replaced.request("GET", "/whoami").status_code == 401


def test_an_admin_can_give_no_more_than_the_own_rights(api: Api, sign_in: SignIn) -> None:
    api.make_project("other")
    admin = sign_in(key_of(api.make_key("adam", {"project": "shop", "role": "admin"})))
    owner = api.get("/whoami")["id"]

    assert owner not in admin.look(HOME).text
    assert admin.look(f"{HOME}/{owner}/revoke").status_code == 404
    assert admin.send(f"{HOME}/{owner}/revoke").status_code == 404
    assert admin.send("/projects/other/keys/new", **OLGA).status_code == 404


def test_an_operator_is_offered_no_keys_and_refused_if_a_form_is_sent(api: Api, sign_in: SignIn) -> None:
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["*"]})))

    assert HOME not in operator.look("/projects/shop").text
    assert [operator.look(path).status_code for path in (HOME, f"{HOME}/new")] == [403, 403]
    assert operator.send(f"{HOME}/new", **OLGA | {"/grants/0/role": "viewer"}).status_code == 403
