"""Signing in and out."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from activities.store.database import Database
from activities.store.keys import hash_secret
from api.dashboard.openid import OpenIdProvider
from api.dashboard.page_route import PageRoute
from api.dashboard.rendering import render
from api.dashboard.session import (
    LASTS,
    FormDep,
    SignedOut,
    check_same_origin,
    delete_cookie,
    read_form,
    session_of,
    set_cookie,
    visitor_of,
)
from api.dependencies import DatabaseDep, now
from api.rate_limit import RateLimit

LONGEST_PATH = 2_000

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sign-in")
def show_sign_in(request: Request, database: DatabaseDep, to: str = "") -> Response:
    """Ask for an API key, or for an account at the OpenID provider."""
    owner = _signed_in(request, database) if request.app.state.openid else None
    return _form(request, to=local_path(to), problem=None, owner=owner)


@router.post("/sign-in")
async def sign_in(request: Request, database: DatabaseDep) -> Response:
    """Begin a session for the holder of the key."""
    check_same_origin(request)
    limit: RateLimit = request.app.state.failed_sign_ins
    limit.check(address := request.client.host if request.client else "", counts=False)
    fields = await read_form(request)
    to = local_path(fields.get("to", ""))
    token = await run_in_threadpool(_begin, database, fields.get("key", "").strip(), session_of(request))
    if token is None:
        limit.check(address)
        return _form(request, code=HTTPStatus.UNAUTHORIZED, to=to, problem="This API key is unknown or revoked.", key_is_wrong=True)
    response = RedirectResponse(to or "/", HTTPStatus.SEE_OTHER)
    set_cookie(request, response, token)
    return response


@router.post("/sign-out")
def sign_out(request: Request, database: DatabaseDep, _form: FormDep) -> Response:
    """End the session."""
    with database.transaction() as store:
        store.sessions.end(session_of(request))
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    delete_cookie(request, response)
    return response


def show_problem(request: Request, problem: str, code: HTTPStatus) -> Response:
    """Return the sign-in page with the reason why a sign-in at the provider failed."""
    return _form(request, code=code, to="", problem=problem)


def _form(request: Request, *, owner: str | None = None, key_is_wrong: bool = False, **context: Any) -> Response:
    provider: OpenIdProvider | None = request.app.state.openid
    about: dict[str, Any] = {"provider": provider.host if provider else None, "owner": owner, "key_is_wrong": key_is_wrong}
    return render(request, "sign_in.html", **about, **context)


def _signed_in(request: Request, database: Database) -> str | None:
    """Return the name of the person who is signed in here."""
    try:
        owner = visitor_of(request, database).caller.owner
    except SignedOut:
        return None
    return owner.name if owner.kind == "person" else None


def _begin(database: Database, secret: str, previous: str) -> str | None:
    """Return the token of a new session, and end the one with the hash `previous`. Return None if there is no such key."""
    at = now()
    with database.reading() as store:  # An attempt with a wrong key must not wait for, or hold up, those who write.
        caller = store.keys.caller(secret)
    if caller is None:
        return None
    with database.transaction() as store:
        store.sessions.end(previous)
        return store.sessions.begin(caller.key, hash_secret(secret), at, at + LASTS)


def local_path(address: str) -> str:
    """Return the address if it is a path of this site. Browsers read a backslash as a slash, and two slashes as another host.

    A sign-in never leads to another one: a link could otherwise connect the account of somebody else.
    """
    is_local = (
        len(address) <= LONGEST_PATH
        and address.startswith("/")
        and not address.startswith(("//", "/sign-in"))
        and "\\" not in address
        and address.isprintable()
    )
    return address if is_local else ""
