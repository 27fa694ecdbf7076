"""ID tokens and documents that a real provider never sends, and a provider that is down: nobody is signed in."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from api.dashboard.openid import LEEWAY, OpenIdConfig, OpenIdProvider
from tests.conftest import serve_without_temporal
from tests.dashboard.visitor import Visitor
from tests.emptied import empty_database
from tests.http import Api
from tests.openid.conftest import openid_settings
from tests.openid.provider import CALLBACK, CLIENT_ID, CLIENT_SECRET
from tests.openid.stand_in import StandIn, stand_in_provider
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("openid")

NOT_VALID = "The identity provider&#39;s answer was not valid, so you are not signed in."
UNREACHABLE = "The identity provider can&#39;t be reached."
CONFIGURATION = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with stand_in_provider(free_port()) as provider:
        yield provider


@pytest.fixture(scope="module")
def shared_api(provider: StandIn, openid_database: str) -> Iterator[Api]:
    port = free_port()
    yield from serve_without_temporal(openid_database, port=port, **openid_settings(provider.issuer, port))


@pytest.fixture
def visitor(shared_api: Api, provider: StandIn, openid_database: str) -> Iterator[Visitor]:
    """A visitor who has not signed in, at a provider that answers correctly."""
    provider.behave()
    with closing(Visitor(shared_api.address)) as visitor:
        yield visitor
    empty_database(openid_database)


def _come_back(visitor: Visitor, provider: StandIn) -> httpx.Response:
    start = visitor.client.get("/sign-in/openid", follow_redirects=False)
    asked = httpx.URL(start.headers["location"]).params
    provider.nonce = asked["nonce"]
    return visitor.client.get(CALLBACK, params={"code": "given", "state": asked["state"]})


def _assert_nobody_is_signed_in(visitor: Visitor) -> None:
    assert "flaghoist" not in visitor.client.cookies
    assert visitor.look("/status").url.path == "/sign-in"


def test_a_correct_token_signs_the_person_in(visitor: Visitor, provider: StandIn) -> None:
    assert _come_back(visitor, provider).status_code == 200
    assert visitor.look("/status").url.path == "/status"


def _encoded(part: bytes | dict[str, Any]) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _unsigned(provider: StandIn) -> str:
    return f"{_encoded({'alg': 'none'})}.{_encoded(provider.claims())}."


def _tampered(provider: StandIn) -> str:
    header, _, signature = provider.sign(provider.claims()).split(".")
    return f"{header}.{_encoded(provider.claims(groups=['release-managers']))}.{signature}"


def _signed_with(provider: StandIn, secret: bytes) -> str:
    """Return a token that whoever knows the secret could have signed."""
    signed = f"{_encoded({'alg': 'HS256', 'kid': 'first'})}.{_encoded(provider.claims())}"
    return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


INVALID: dict[str, Callable[[StandIn], object]] = {
    "tampered": _tampered,
    "unsigned": _unsigned,
    "signed by somebody else": lambda it: it.sign(it.claims(), RSAKey.generate_key(2048)),
    "signed with the client's secret": lambda it: _signed_with(it, CLIENT_SECRET.encode()),
    "signed with the public key as a secret": lambda it: _signed_with(it, it.key.as_pem(private=False)),
    "signed with an unknown key": lambda it: it.sign(it.claims(), kid="second"),
    "of another issuer": lambda it: it.sign(it.claims(iss="https://evil.example")),
    "without issuer": lambda it: it.sign(it.claims(iss=None)),
    "for another audience": lambda it: it.sign(it.claims(aud="another")),
    "for another audience, issued to us": lambda it: it.sign(it.claims(aud="another", azp=CLIENT_ID)),
    "for several audiences, issued to another": lambda it: it.sign(it.claims(aud=["flaghoist", "another"], azp="another")),
    "for several audiences, issued to nobody": lambda it: it.sign(it.claims(aud=["flaghoist", "another"])),
    "without audience": lambda it: it.sign(it.claims(aud=None)),
    "expired": lambda it: it.sign(it.claims(exp=int(time.time()) - LEEWAY - 1)),
    "without expiry": lambda it: it.sign(it.claims(exp=None)),
    "expiring in words": lambda it: it.sign(it.claims(exp="never")),
    "issued in the future": lambda it: it.sign(it.claims(iat=int(time.time()) + 3_600)),
    "without time of issue": lambda it: it.sign(it.claims(iat=None)),
    "not valid yet": lambda it: it.sign(it.claims(nbf=int(time.time()) + 3_600)),
    "with another nonce": lambda it: it.sign(it.claims(nonce="another")),
    "without nonce": lambda it: it.sign(it.claims(nonce=None)),
    "without subject": lambda it: it.sign(it.claims(sub=None)),
    "with a number as subject": lambda it: it.sign(it.claims(sub=1)),
    "with an empty subject": lambda it: it.sign(it.claims(sub="")),
    "not a token": lambda it: "nonsense",
    "not text": lambda it: {"a": 1},
    "missing": lambda it: None,
    "empty": lambda it: "",
}


@pytest.mark.parametrize("what", INVALID)
def test_an_invalid_token_signs_nobody_in(visitor: Visitor, provider: StandIn, what: str) -> None:
    provider.token = lambda: INVALID[what](provider)  # type: ignore[assignment, return-value] # some are no text

    answer = _come_back(visitor, provider)

    assert answer.status_code == 401
    assert NOT_VALID in answer.text
    _assert_nobody_is_signed_in(visitor)


@pytest.mark.parametrize("claims", [{"exp": -LEEWAY + 5}, {"iat": LEEWAY - 5}])
def test_clocks_may_differ_by_some_seconds(visitor: Visitor, provider: StandIn, claims: dict[str, int]) -> None:
    provider.token = lambda: provider.sign(provider.claims(**{name: int(time.time()) + offset for name, offset in claims.items()}))

    assert _come_back(visitor, provider).status_code == 200


def test_the_verifier_of_the_challenge_goes_to_the_provider_with_the_code(visitor: Visitor, provider: StandIn) -> None:
    _come_back(visitor, provider)

    sent = provider.requests[-1]
    assert (sent["grant_type"], sent["code"]) == (["authorization_code"], ["given"])
    assert len(sent["code_verifier"][0]) == 86
    assert "client_secret" not in sent


def test_a_public_client_names_itself_without_a_secret(provider: StandIn) -> None:
    provider.behave()
    callback = f"https://flags.example{CALLBACK}"
    public = OpenIdProvider(OpenIdConfig(provider.issuer, CLIENT_ID, "", callback, "openid", "email", "groups", {}))
    _, _, started = asyncio.run(public.start("", None))
    provider.nonce = started.nonce

    account = asyncio.run(public.finish("given", started))

    assert (account.subject, account.name, account.groups) == ("1", "dana@example.com", frozenset({"developers"}))
    assert provider.requests[-1]["client_id"] == [CLIENT_ID]


def test_a_key_that_the_provider_has_just_changed_is_found(visitor: Visitor, provider: StandIn) -> None:
    _come_back(visitor, provider)
    provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    provider.token = lambda: provider.sign(provider.claims(), kid="second")

    assert _come_back(visitor, provider).status_code == 200


@pytest.mark.parametrize("keys", [{}, {"keys": []}, {"keys": "none"}, {"keys": [{}]}, {"keys": [{"kty": "RSA", "kid": "first"}]}])
def test_unusable_keys_sign_nobody_in(visitor: Visitor, provider: StandIn, keys: object) -> None:
    provider.say("/jwks", keys)

    answer = _come_back(visitor, provider)

    assert answer.status_code == 401
    assert NOT_VALID in answer.text
    _assert_nobody_is_signed_in(visitor)


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("answer", [(500, "{}"), (200, "<html>"), (200, "[]"), (404, "{}"), (302, "{}"), (200, '"text"')])
def test_a_provider_that_fails_after_the_person_came_back_signs_nobody_in(
    visitor: Visitor, provider: StandIn, path: str, answer: tuple[int, str]
) -> None:
    provider.answers[path] = lambda: answer

    shown = _come_back(visitor, provider)

    assert shown.status_code == 503
    assert UNREACHABLE in shown.text
    _assert_nobody_is_signed_in(visitor)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://evil.example/auth"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://"},
        {"authorization_endpoint": "http://127.0.0.1.evil.example/"},
    ],
)
def test_a_configuration_that_is_not_the_providers_own_leads_nowhere(
    visitor: Visitor, provider: StandIn, changed: dict[str, object]
) -> None:
    provider.say(CONFIGURATION, provider.metadata(**changed))

    shown = visitor.client.get("/sign-in/openid", follow_redirects=False)

    assert shown.status_code == 503
    assert UNREACHABLE in shown.text


def test_the_api_starts_while_the_provider_is_down_and_keys_sign_in(sqlite_url: str) -> None:
    port, gone = free_port(), free_port()
    serving = serve_without_temporal(sqlite_url, port=port, **openid_settings(f"http://127.0.0.1:{gone}", port))

    with closing(Visitor(next(serving).address)) as visitor:
        down = visitor.client.get("/sign-in/openid")
        by_key = visitor.sign_in()
        with stand_in_provider(gone):
            up = visitor.client.get("/sign-in/openid", follow_redirects=False)

    assert down.status_code == 503
    assert f"{UNREACHABLE} Try again later, or sign in with an API key." in down.text
    assert by_key.status_code == 200
    assert up.status_code == 303
    next(serving, None)


def test_without_a_provider_there_is_no_such_way_to_sign_in(sqlite_url: str) -> None:
    serving = serve_without_temporal(sqlite_url)

    with closing(Visitor(next(serving).address)) as visitor:
        assert "/sign-in/openid" not in visitor.look("/sign-in").text
        assert visitor.look("/sign-in/openid").status_code == 404
        assert visitor.look(CALLBACK).status_code == 404
    next(serving, None)
