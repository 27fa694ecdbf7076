"""Signing in at a real OpenID provider, over HTTP."""

from urllib.parse import urlencode

import pytest

from activities.store.database import Database
from api.dependencies import now
from tests.dashboard.test_environments import hidden
from tests.http import Api
from tests.openid.conftest import PEOPLE, SignIn, Visit
from tests.openid.provider import RunningProvider

pytestmark = pytest.mark.xdist_group("openid")


def test_a_person_signs_in_and_gets_the_page_that_was_asked_for(api: Api, sign_in: SignIn) -> None:
    dana = sign_in("dana", query="?to=/projects/shop/audit%3Ffeature=checkout")

    assert dana.page.status_code == 200
    assert 'content="0;url=/projects/shop/audit?feature=checkout"' in dana.page.text
    assert "dana@example.com" in dana.visitor.look("/projects/shop").text


def test_the_groups_of_a_person_decide_what_they_may_do(api: Api, sign_in: SignIn) -> None:
    dana, mona = sign_in("dana").visitor, sign_in("mona").visitor

    assert dana.look("/projects/shop/features/checkout/in/staging").status_code == 200
    assert dana.look("/projects/shop/features/checkout/in/production").status_code == 403
    assert dana.look("/projects/shop/webhooks/new").status_code == 403
    assert mona.look("/projects/shop/webhooks/new").status_code == 200


@pytest.mark.parametrize("groups", [["staff"], ["visitors"], [], None, "staff", {"developers": True}, [["developers"]], 7])
def test_a_person_without_a_group_that_has_rights_is_refused(api: Api, provider: RunningProvider, sign_in: SignIn, groups: object) -> None:
    provider.have(vito=PEOPLE["vito"] | {"groups": groups})

    vito = sign_in("vito")

    assert vito.page.status_code == 403
    assert "None of your groups at the identity provider has rights in Flaghoist." in vito.page.text
    assert not vito.has_session
    assert [key["owner"]["name"] for key in api.get("/keys")["items"]] == ["bootstrap"]


def test_a_lost_group_ends_the_other_sessions_of_the_person_at_the_next_sign_in(
    api: Api, provider: RunningProvider, sign_in: SignIn
) -> None:
    before = sign_in("dana")
    provider.have(dana=PEOPLE["dana"] | {"groups": []})

    after = sign_in("dana")

    assert after.page.status_code == 403
    assert not after.has_session
    assert not before.has_session
    assert [key["revoked_at"] is None for key in api.get("/keys")["items"] if key["owner"]["name"] == "dana@example.com"] == [False]


def test_a_regained_group_gives_its_rights_again(api: Api, provider: RunningProvider, sign_in: SignIn) -> None:
    sign_in("dana")
    provider.have(dana=PEOPLE["dana"] | {"groups": []})
    sign_in("dana")
    provider.have(**PEOPLE)

    assert sign_in("dana").has_session


def test_other_groups_replace_the_rights_of_the_person(api: Api, provider: RunningProvider, sign_in: SignIn) -> None:
    before = sign_in("mona")
    provider.have(mona=PEOPLE["mona"] | {"groups": ["developers"]})

    after = sign_in("mona")

    assert after.visitor.look("/projects/shop/webhooks/new").status_code == 403
    assert not before.has_session


def test_signing_in_elsewhere_with_the_same_groups_ends_no_session(api: Api, sign_in: SignIn) -> None:
    first, second = sign_in("dana"), sign_in("dana")

    assert first.has_session
    assert second.has_session


def test_signing_in_again_in_the_same_browser_ends_the_session_that_it_had(api: Api, sign_in: SignIn, stored: Database) -> None:
    visitor = sign_in("dana").visitor
    before = visitor.client.cookies["flaghoist"]

    def provider_is_another_site() -> None:
        visitor.client.cookies.delete("flaghoist")

    again = sign_in("dana", visitor=visitor, meanwhile=provider_is_another_site)

    assert again.has_session
    with stored.reading() as store:
        assert store.sessions.caller(before, now()) is None


def test_a_sign_in_that_fails_ends_no_session(sign_in: SignIn, visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in()

    refused = sign_in("vito", visitor=visitor)

    assert refused.page.status_code == 403
    assert refused.has_session


def test_signing_out_ends_the_session(api: Api, sign_in: SignIn) -> None:
    dana = sign_in("dana")
    cookies = dict(dana.visitor.client.cookies)

    dana.visitor.send("/sign-out")
    dana.visitor.client.cookies.update(cookies)

    assert not dana.has_session


def test_the_audit_log_names_the_person(api: Api, sign_in: SignIn) -> None:
    mona = sign_in("mona").visitor

    shown = mona.send("/projects/shop/stops/new", **{"/reason": "Fire drill"})
    mona.send("/projects/shop/stops/new", **{"/reason": "Fire drill"}, confirmed=hidden(shown, "confirmed"))

    entries = api.get("/audit", owner="mona@example.com")["items"]
    assert [entry["event"] for entry in entries] == ["stop.placed", "key.created"]
    assert entries[1]["after"]["grants"] == [{"project": "shop", "role": "admin", "environments": []}]


def test_the_rights_of_an_account_have_no_secret_that_could_outlive_them(api: Api, sign_in: SignIn) -> None:
    mona = sign_in("mona").visitor
    [key] = [key for key in api.get("/keys")["items"] if key["owner"]["name"] == "mona@example.com"]

    by_herself = mona.send(f"/projects/shop/keys/{key['id']}/rotate")
    by_the_owner = api.request("POST", f"/keys/{key['id']}/rotate")

    assert by_herself.status_code == by_the_owner.status_code == 403
    assert "This key has no secret" in by_herself.text
    assert by_the_owner.json()["detail"].startswith("This key has no secret")


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_unverified_email_address_is_nobodys_name(api: Api, provider: RunningProvider, sign_in: SignIn, verified: object) -> None:
    provider.have(dana=PEOPLE["dana"] | {"email_verified": verified})

    dana = sign_in("dana")

    assert dana.page.status_code == 401
    assert "Your email address is not verified" in dana.page.text
    assert not dana.has_session


@pytest.mark.parametrize("name", [None, "", " ", 7, "two\nlines", "x" * 121])
def test_an_account_without_a_usable_name_is_refused(api: Api, provider: RunningProvider, sign_in: SignIn, name: object) -> None:
    provider.have(dana=PEOPLE["dana"] | {"email": name})

    dana = sign_in("dana")

    assert dana.page.status_code == 401
    assert "has no usable name: Flaghoist reads it from the claim &#39;email&#39;" in dana.page.text
    assert not dana.has_session


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", f"/{'x' * 2_000}"])
def test_signing_in_never_leads_to_another_site(api: Api, sign_in: SignIn, to: str) -> None:
    signed_in = sign_in("dana", query=f"?{urlencode({'to': to})}")

    assert 'content="0;url=/"' in signed_in.page.text
    assert signed_in.has_session
