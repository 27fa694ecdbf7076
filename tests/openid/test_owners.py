"""The owners of people who sign in at the provider: nobody becomes somebody else."""

import pytest

from activities.store.database import Database
from api.dependencies import now
from domain.errors import OwnRelease
from domain.pipelines.gate import ApprovalGate
from domain.releases.approval import check_may_decide
from tests.dashboard.conftest import key_of
from tests.dashboard.visitor import Visitor
from tests.http import OWNER_KEY, Api
from tests.openid.conftest import PEOPLE, SignedIn, SignIn, Visit
from tests.openid.provider import RunningProvider

pytestmark = pytest.mark.xdist_group("openid")

CONNECT = "?connect=true"
TAKEN = "already belongs to an owner who is not connected with this account"


@pytest.fixture
def dana_with_key(api: Api, visit: Visit) -> Visitor:
    """The person who owns API keys as `dana`, signed in with one of them."""
    visitor = visit()
    visitor.key = key_of(api.make_key("dana", {"project": "shop", "role": "admin"}))
    visitor.sign_in()
    return visitor


def _owner_id(stored: Database, visitor: Visitor) -> str:
    with stored.reading() as store:
        caller = store.sessions.caller(visitor.client.cookies["flaghoist"], now())
    assert caller
    return caller.owner_id


def _rights_key(api: Api, owner: str) -> str:
    keys = api.get("/keys")["items"]
    return next(str(key["id"]) for key in keys if (key["name"], key["owner"]["name"], key["revoked_at"]) == ("OpenID Connect", owner, None))


@pytest.mark.parametrize("written", ["dana@example.com", "Dana@Example.com", "ｄana@example.com"])
def test_the_name_of_an_owner_with_api_keys_does_not_make_anyone_that_owner(api: Api, sign_in: SignIn, written: str) -> None:
    api.make_key(written, {"project": "shop", "role": "admin"})

    dana = sign_in("dana")

    assert dana.page.status_code == 403
    assert TAKEN in dana.page.text
    assert not dana.has_session


def test_of_two_people_with_the_same_name_the_second_is_refused(api: Api, provider: RunningProvider, sign_in: SignIn) -> None:
    sign_in("dana")
    provider.have(mona=PEOPLE["mona"] | {"email": "Dana@example.com"})

    mona = sign_in("mona")

    assert mona.page.status_code == 403
    assert TAKEN in mona.page.text
    assert not mona.has_session


def test_a_person_who_is_renamed_at_the_provider_stays_the_same_owner(stored: Database, provider: RunningProvider, sign_in: SignIn) -> None:
    before = _owner_id(stored, sign_in("dana").visitor)
    provider.have(dana=PEOPLE["dana"] | {"email": "dana.new@example.com"})

    assert _owner_id(stored, sign_in("dana").visitor) == before


def test_an_account_that_is_connected_is_the_owner_of_the_api_key(stored: Database, dana_with_key: Visitor, sign_in: SignIn) -> None:
    with_key = _owner_id(stored, dana_with_key)

    connected = sign_in("dana", query=CONNECT, visitor=dana_with_key)

    assert connected.page.status_code == 200
    assert _owner_id(stored, connected.visitor) == with_key
    assert _owner_id(stored, sign_in("dana").visitor) == with_key


def test_nobody_approves_at_the_provider_what_they_added_with_their_key(stored: Database, dana_with_key: Visitor, sign_in: SignIn) -> None:
    requester = _owner_id(stored, dana_with_key)
    connected = sign_in("dana", query=CONNECT, visitor=dana_with_key).visitor
    with stored.reading() as store:
        caller = store.sessions.caller(connected.client.cookies["flaghoist"], now())

    assert caller
    with pytest.raises(OwnRelease):
        check_may_decide(ApprovalGate(type="APPROVAL"), caller, requester)


def test_a_session_at_the_provider_has_only_the_rights_of_the_groups(dana_with_key: Visitor, sign_in: SignIn) -> None:
    assert dana_with_key.look("/projects/shop/webhooks/new").status_code == 200

    connected = sign_in("dana", query=CONNECT, visitor=dana_with_key).visitor

    assert connected.look("/projects/shop/webhooks/new").status_code == 403


def test_being_signed_in_with_a_key_connects_nothing_without_being_asked(stored: Database, dana_with_key: Visitor, sign_in: SignIn) -> None:
    with_key = _owner_id(stored, dana_with_key)

    assert _owner_id(stored, sign_in("mona", visitor=dana_with_key).visitor) != with_key


def _assert_not_connected(attempt: SignedIn) -> None:
    assert attempt.page.status_code == 403
    assert "To connect an account, sign in with an API key of a person first" in attempt.page.text


def test_connecting_requires_a_session_with_an_api_key(sign_in: SignIn) -> None:
    _assert_not_connected(sign_in("dana", query=CONNECT))
    _assert_not_connected(sign_in("dana", query=CONNECT, visitor=sign_in("mona").visitor))


def test_an_account_is_not_connected_with_a_service(sign_in: SignIn, visit: Visit) -> None:
    service = visit()
    service.key = OWNER_KEY
    service.sign_in()

    _assert_not_connected(sign_in("dana", query=CONNECT, visitor=service))


def test_a_session_that_ended_meanwhile_connects_nothing(api: Api, dana_with_key: Visitor, sign_in: SignIn) -> None:
    key = next(key["id"] for key in api.get("/keys")["items"] if key["name"] == "dana")

    attempt = sign_in("dana", query=CONNECT, visitor=dana_with_key, meanwhile=lambda: api.request("DELETE", f"/keys/{key}"))

    _assert_not_connected(attempt)


def test_an_account_is_not_taken_from_its_owner(dana_with_key: Visitor, sign_in: SignIn) -> None:
    sign_in("mona")

    attempt = sign_in("mona", query=CONNECT, visitor=dana_with_key)

    assert attempt.page.status_code == 403
    assert "This account is already connected with the owner &#39;mona@example.com&#39;." in attempt.page.text


def test_another_account_of_an_owner_replaces_the_former_one(
    api: Api, stored: Database, provider: RunningProvider, dana_with_key: Visitor, visit: Visit, sign_in: SignIn
) -> None:
    former = sign_in("dana", query=CONNECT, visitor=dana_with_key)
    again = visit()
    again.key = dana_with_key.key
    again.sign_in()
    provider.have(**PEOPLE, dana2=PEOPLE["dana"])

    connected = sign_in("dana2", query=CONNECT, visitor=again)

    assert connected.has_session
    assert not former.has_session
    assert sign_in("dana").has_session  # as a new owner, for the name of the account was never that of the owner
    assert _owner_id(stored, sign_in("dana").visitor) != _owner_id(stored, connected.visitor)


def test_an_account_whose_rights_an_admin_revoked_is_locked_out_until_it_is_connected_again(
    api: Api, stored: Database, provider: RunningProvider, visit: Visit, sign_in: SignIn
) -> None:
    dana = sign_in("dana")
    owner = _owner_id(stored, dana.visitor)
    api.request("DELETE", f"/keys/{_rights_key(api, 'dana@example.com')}")
    assert not dana.has_session

    provider.have(dana=PEOPLE["dana"] | {"groups": []})
    sign_in("dana")
    provider.have(**PEOPLE)
    refused = sign_in("dana")
    with_key = visit()
    with_key.key = key_of(api.make_key("dana@example.com", {"project": "shop", "role": "viewer"}))
    with_key.sign_in()
    connected = sign_in("dana", query=CONNECT, visitor=with_key)

    assert refused.page.status_code == 403
    assert "The rights of this account were revoked." in refused.page.text
    assert _owner_id(stored, connected.visitor) == owner
