"""Signing in and out."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from activities.store.database import Database
from api.dashboard.page_route import PageRoute
from api.dashboard.rendering import render
from api.dashboard.session import LASTS, FormDep, check_same_origin, cookie_name, delete_cookie, read_form, set_cookie
from api.dependencies import DatabaseDep, now
from api.rate_limit import RateLimit

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/sign-in")
def show_sign_in(request: Request, to: str = "") -> Response:
    """Ask for an API key."""
    return render(request, "sign_in.html", to=_local(to), problem=None)


@router.post("/sign-in")
async def sign_in(request: Request, database: DatabaseDep) -> Response:
    """Begin a session for the holder of the key."""
    check_same_origin(request)
    limit: RateLimit = request.app.state.failed_sign_ins
    limit.check(address := request.client.host if request.client else "", counts=False)
    fields = await read_form(request)
    to = _local(fields.get("to", ""))
    token = await run_in_threadpool(_begin, database, fields.get("key", "").strip())
    if token is None:
        limit.check(address)
        return render(request, "sign_in.html", code=HTTPStatus.UNAUTHORIZED, to=to, problem="This API key is unknown or revoked.")
    response = RedirectResponse(to or "/", HTTPStatus.SEE_OTHER)
    set_cookie(request, response, token)
    return response


@router.post("/sign-out")
def sign_out(request: Request, database: DatabaseDep, _form: FormDep) -> Response:
    """End the session."""
    with database.transaction() as store:
        store.sessions.end(request.cookies.get(cookie_name(request), ""))
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    delete_cookie(request, response)
    return response


def _begin(database: Database, secret: str) -> str | None:
    at = now()
    with database.reading() as store:  # An attempt with a wrong key must not wait for, or hold up, those who write.
        caller = store.keys.caller(secret)
    if caller is None:
        return None
    with database.transaction() as store:
        return store.sessions.begin(caller.key, secret, at, at + LASTS)


def _local(address: str) -> str:
    """Return the address if it is a path of this site. Browsers read a backslash as a slash, and two slashes as another host."""
    is_local = address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()
    return address if is_local else ""
