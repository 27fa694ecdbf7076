"""The OpenID provider: OpenID Connect with the authorization code flow and PKCE.

Nothing is kept between sign-ins, so a provider may be down at the start and change its keys at any time.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpx
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import ValidationError

from activities.store.accounts import StartedSignIn
from domain.access import Account, Grant

TIMEOUT = 10.0
"""In seconds, for each request to the provider."""

LEEWAY = 30
"""The most seconds by which the provider's clock may differ from ours."""

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""Signatures with a public key. `none` and those with a shared secret are never accepted."""

_ENDPOINT = re.compile(r"https://[^/?#]+|http://(127\.0\.0\.1|localhost)[:/?#]")


class ProviderUnavailable(Exception):
    """The provider can't be reached, or its answer is not one of an OpenID provider."""


class SignInFailed(Exception):
    """The provider, or a check of its answer, rejects the sign-in. The text is for the person, and `reason` for the log."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class OpenIdConfig(NamedTuple):
    """The settings of the provider."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    scopes: str
    name_claim: str
    groups_claim: str
    grants: Mapping[str, tuple[Grant, ...]]


class OpenIdProvider:
    """The provider at which people sign in."""

    def __init__(self, config: OpenIdConfig) -> None:
        self.config = config

    @property
    def host(self) -> str:
        """The provider's host, by which people know it."""
        return urlsplit(self.config.issuer).netloc

    def grants_of(self, account: Account) -> tuple[Grant, ...]:
        """Return the grants of all the account's groups."""
        granted = [grant for group, grants in self.config.grants.items() if group in account.groups for grant in grants]
        return tuple(dict.fromkeys(granted))

    async def start(self, return_to: str, connecting: str | None) -> tuple[str, str, StartedSignIn]:
        """Return the address at which to sign in, a new state, and what `finish` needs. Raises ProviderUnavailable."""
        started = StartedSignIn(secrets.token_urlsafe(32), secrets.token_urlsafe(64), return_to, connecting)
        async with _http() as http:
            metadata = await self._metadata(http)
        client = OAuth2Client(
            None, self.config.client_id, scope=self.config.scopes, redirect_uri=self.config.redirect_uri, code_challenge_method="S256"
        )
        address, state = client.create_authorization_url(
            _endpoint(metadata, "authorization_endpoint"), secrets.token_urlsafe(32), started.verifier, nonce=started.nonce
        )
        return address, state, started

    async def finish(self, code: str, started: StartedSignIn) -> Account:
        """Exchange the code for an ID token, check it and return the account. Raises ProviderUnavailable or SignInFailed."""
        async with _http() as http:
            metadata = await self._metadata(http)
            token = await self._id_token(http, _endpoint(metadata, "token_endpoint"), code, started.verifier)
            keys = await _document(http, _endpoint(metadata, "jwks_uri"))
        return self._account(self._claims(token, keys, started.nonce))

    async def _metadata(self, http: httpx.AsyncClient) -> dict[str, Any]:
        metadata = await _document(http, f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.config.issuer:
            raise ProviderUnavailable(f"its configuration names the issuer {metadata.get('issuer')!r}")
        return metadata

    async def _id_token(self, http: httpx.AsyncClient, endpoint: str, code: str, verifier: str) -> str:
        config = self.config
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": config.redirect_uri, "code_verifier": verifier}
        if config.client_secret:
            auth = httpx.BasicAuth(quote(config.client_id, safe=""), quote(config.client_secret, safe=""))  # RFC 6749, 2.3.1
            answer = await _answer(http, "POST", endpoint, data=form, auth=auth)
        else:
            answer = await _answer(http, "POST", endpoint, data=form | {"client_id": config.client_id})
        if answer.get("error"):
            raise SignInFailed(_REJECTED, f"token endpoint: {answer['error']}")
        return str(answer.get("id_token", ""))

    def _claims(self, token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        options = {
            "iss": {"essential": True, "value": self.config.issuer},
            "aud": {"essential": True, "value": self.config.client_id},
        }
        try:
            decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type] # any document
            claims = CodeIDToken(decoded.claims, decoded.header, options, {"nonce": nonce, "client_id": self.config.client_id})
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:  # The last ones by tokens and keys of a wrong form.
            raise SignInFailed(_REJECTED, f"ID token: {type(error).__name__}: {error}") from error
        return dict(claims)

    def _account(self, claims: dict[str, Any]) -> Account:
        if self.config.name_claim == "email" and claims.get("email_verified") in (False, "false"):  # Some providers send text.
            raise SignInFailed("Your email address is not verified at the identity provider. Verify it there, and try again.", "email")
        groups = claims.get(self.config.groups_claim) or []
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        names = frozenset(each for each in listed if isinstance(each, str))
        try:
            return Account(issuer=claims["iss"], subject=claims["sub"], name=claims.get(self.config.name_claim), groups=names)
        except ValidationError as error:
            unusable = [str(each["loc"][0]) for each in error.errors()]
            message = (
                f"Your account at the identity provider has no usable name: Flaghoist reads it from the claim '{self.config.name_claim}'."
            )
            raise SignInFailed(message if unusable == ["name"] else _REJECTED, f"claims: {', '.join(unusable)}") from error


_REJECTED = "The identity provider's answer was not valid, so you are not signed in. Try again."


def _http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, headers={"Accept": "application/json"})


async def _document(http: httpx.AsyncClient, url: str) -> dict[str, Any]:
    return await _answer(http, "GET", url)


async def _answer(http: httpx.AsyncClient, method: str, url: str, **content: Any) -> dict[str, Any]:
    """Return the JSON object with which the provider answers, also if it is an error of the protocol. Raises ProviderUnavailable."""
    try:
        answer = await http.request(method, url, **content)
        document = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderUnavailable(f"{type(error).__name__}: {error}") from error
    is_error = isinstance(document, dict) and answer.is_client_error and "error" in document
    if not isinstance(document, dict) or not (answer.is_success or is_error):
        raise ProviderUnavailable(f"{urlsplit(url).path} answered {answer.status_code}")
    return document


def _endpoint(metadata: dict[str, Any], name: str) -> str:
    url = metadata.get(name)
    if not isinstance(url, str) or not _ENDPOINT.match(url):
        raise ProviderUnavailable(f"its configuration has no usable {name}")
    return url
