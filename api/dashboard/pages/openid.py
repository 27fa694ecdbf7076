"""Signing in at the OpenID provider. The provider sends the browser back here."""

import hmac
from collections.abc import Collection
from datetime import timedelta
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from activities.commands.begin_session import SignedIn, begin_session
from activities.store.accounts import StartedSignIn
from activities.store.database import Database
from api.dashboard.openid import OpenIdProvider, ProviderUnavailable, SignInFailed
from api.dashboard.page_route import PageRoute
from api.dashboard.pages.sign_in import local_path, show_problem
from api.dashboard.rendering import render
from api.dashboard.session import (
    LASTS,
    check_same_origin,
    delete_state,
    previous_session_of,
    session_of,
    set_cookie,
    set_state,
    state_of,
)
from api.dependencies import DatabaseDep, now
from api.rate_limit import RateLimit
from domain.errors import NotAllowed, NotFound

PATH = "/sign-in/openid"
CALLBACK = f"{PATH}/callback"

MAY_TAKE = timedelta(minutes=10)
"""The time from leaving for the provider to coming back."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)
log = structlog.get_logger()


@router.get(PATH)
async def start_sign_in(request: Request, database: DatabaseDep, to: str = "", connect: bool = False) -> Response:
    """Send the browser to the provider. With `connect`, the account is to be that of the owner who is signed in here."""
    provider = _provider(request)
    check_same_origin(request)
    limit: RateLimit = request.app.state.started_sign_ins
    limit.check(request.client.host if request.client else "")
    connecting = session_of(request) if connect else None
    try:
        address, state, started = await provider.start(local_path(to), connecting)
    except ProviderUnavailable as error:
        return _unavailable(request, error)
    await run_in_threadpool(_keep, database, state, started)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    set_state(request, response, state, MAY_TAKE)
    return response


@router.get(CALLBACK)
async def finish_sign_in(
    request: Request, database: DatabaseDep, state: str = "", code: str = "", error: str = "", iss: str | None = None
) -> Response:
    """Begin a session for the person who comes back from the provider."""
    provider = _provider(request)
    try:
        started = await run_in_threadpool(_take, request, database, state)
        if error or not code or iss not in (None, provider.config.issuer):
            raise _rejected_by_provider(error)
        account = await provider.finish(code, started)
        previous = (previous_session_of(request), session_of(request))  # The second one if the provider is on the same site.
        token = await run_in_threadpool(_begin, database, provider, SignedIn(account, started.connecting), previous)
    except ProviderUnavailable as failure:
        response = _unavailable(request, failure)
    except SignInFailed as failure:
        log.warning("sign_in_failed", reason=failure.reason)
        response = show_problem(request, str(failure), HTTPStatus.UNAUTHORIZED)
    except NotAllowed as refusal:
        log.warning("sign_in_failed", reason="not_allowed")
        response = show_problem(request, refusal.message, HTTPStatus.FORBIDDEN)
    else:
        # The strict cookie is not sent on a redirect from another site, but it is when this page itself goes on.
        response = render(request, "signed_in.html", to=started.return_to or "/")
        set_cookie(request, response, token)
    delete_state(request, response)
    return response


def _provider(request: Request) -> OpenIdProvider:
    provider: OpenIdProvider | None = request.app.state.openid
    if provider is None:
        raise NotFound("There is no such page.")
    return provider


def _keep(database: Database, state: str, started: StartedSignIn) -> None:
    at = now()
    with database.transaction() as store:
        store.accounts.begin_sign_in(state, started, at, at + MAY_TAKE)


def _take(request: Request, database: Database, state: str) -> StartedSignIn:
    """Return the sign-in that this browser has begun, which can't be used again. Raises SignInFailed."""
    started = None
    if state and hmac.compare_digest(state.encode(), state_of(request).encode()):
        with database.transaction() as store:
            started = store.accounts.take_sign_in(state, now())
    if started is None:
        message = "This sign-in was not begun in this browser, was used already, or took more than 10 minutes. Sign in again."
        raise SignInFailed(message, "state")
    return started


def _rejected_by_provider(error: str) -> SignInFailed:
    if error == "access_denied":
        return SignInFailed("The identity provider refused the sign-in, or you cancelled it there.", "access_denied")
    return SignInFailed("The identity provider reported an error, so you are not signed in. Try again.", f"callback: {error[:100]}")


def _begin(database: Database, provider: OpenIdProvider, signed_in: SignedIn, previous: Collection[str]) -> str:
    """Return the token of a new session, and end those that this browser had. Raises NotAllowed."""
    with database.transaction() as store:
        token = begin_session(store, signed_in, provider.grants_of(signed_in.account), now(), LASTS)
        if token:
            store.sessions.end(*previous)
    if token is None:  # After the transaction, which has ended the rights that the account had.
        raise NotAllowed("None of your groups at the identity provider has rights in Flaghoist. Ask whoever manages the groups to add you.")
    return token


def _unavailable(request: Request, failure: ProviderUnavailable) -> Response:
    log.warning("openid_provider_unavailable", error=str(failure))
    message = "The identity provider can't be reached. Try again later, or sign in with an API key."
    return show_problem(request, message, HTTPStatus.SERVICE_UNAVAILABLE)
