"""Sessions: people sign in with their API key, and the browser keeps a cookie that scripts can't read."""

import hashlib
import hmac
from datetime import timedelta
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from activities.store.database import Database
from activities.store.keys import hash_secret
from api.dependencies import DatabaseDep, now
from api.session_cookie import cookie_name, is_secure
from domain.access import Caller
from domain.errors import NotAllowed

LASTS = timedelta(hours=12)
"""The length of a session."""

CSRF_FIELD = "csrf"
MOST_FIELDS = 20_000
"""The most fields of a long form. A pipeline of the largest size has fewer."""

FormFields = dict[str, str]


class Visitor(NamedTuple):
    """A person who is signed in, and the token that their forms must carry."""

    caller: Caller
    csrf: str


class SignedOut(Exception):
    """There is no session, or it has ended."""


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Let the browser keep the token of a session."""
    flags = {"httponly": True, "secure": is_secure(request), "samesite": "strict", "path": "/"}
    response.set_cookie(cookie_name(request), token, max_age=int(LASTS.total_seconds()), **flags)  # type: ignore[arg-type] # by name


def delete_cookie(request: Request, response: Response) -> None:
    """Let the browser forget the token."""
    response.delete_cookie(cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="strict")


def _state_name(request: Request) -> str:
    return f"{cookie_name(request)}-openid"


def set_state(request: Request, response: Response, state: str, lasts: timedelta) -> None:
    """Let the browser keep the state of a sign-in at the OpenID provider, and the hash of the session that it has now.

    A redirect from the provider carries this cookie, because it is lax, but not the strict one of the session.
    """
    flags = {"httponly": True, "secure": is_secure(request), "samesite": "lax", "path": "/"}
    response.set_cookie(_state_name(request), f"{state}.{session_of(request)}", max_age=int(lasts.total_seconds()), **flags)  # type: ignore[arg-type] # by name


def state_of(request: Request) -> str:
    """Return the state of the sign-in that this browser has begun, or nothing."""
    return request.cookies.get(_state_name(request), "").partition(".")[0]


def previous_session_of(request: Request) -> str:
    """Return the hash of the token of the session that this browser had when it began the sign-in."""
    return request.cookies.get(_state_name(request), "").partition(".")[2]


def delete_state(request: Request, response: Response) -> None:
    """Let the browser forget the state."""
    response.delete_cookie(_state_name(request), path="/", secure=is_secure(request), httponly=True, samesite="lax")


def csrf_token(token: str) -> str:
    """Derive the token of a session's forms. The token of the session can't be computed from it."""
    return hmac.new(token.encode(), b"flaghoist: forms of the dashboard", hashlib.sha256).hexdigest()


def visitor_of(request: Request, database: Database) -> Visitor:
    """Return the visitor whose browser sent the request. Raises SignedOut."""
    token = request.cookies.get(cookie_name(request), "")
    with database.reading() as store:
        caller = store.sessions.caller(token, now()) if token else None
    if caller is None:
        raise SignedOut
    return Visitor(caller, csrf_token(token))


def session_of(request: Request) -> str:
    """Return the hash of the session's token that the request carries."""
    return hash_secret(request.cookies.get(cookie_name(request), ""))


def _visitor(request: Request, database: DatabaseDep) -> Visitor:
    visitor = visitor_of(request, database)
    request.state.caller = visitor.caller
    request.app.state.rate_limit.check(visitor.caller.key)
    return visitor


VisitorDep = Annotated[Visitor, Depends(_visitor)]


async def read_form(request: Request) -> FormFields:
    """Return the text fields of a form. A field that was left empty counts as not given."""
    return {name: value for name, value in (await _read_texts(request)).items() if value.strip()}


async def _read_texts(request: Request, most: int = 200) -> FormFields:
    """Return all text fields. Browsers send each line break as CR LF."""
    async with request.form(max_files=0, max_fields=most) as form:
        return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


async def _form(request: Request, visitor: VisitorDep) -> FormFields:
    return _checked(await read_form(request), visitor)


async def _long_form(request: Request, visitor: VisitorDep) -> FormFields:
    return _checked(await _read_texts(request, MOST_FIELDS), visitor)


def _checked(fields: FormFields, visitor: Visitor) -> FormFields:
    if not hmac.compare_digest(fields.pop(CSRF_FIELD, "").encode(), visitor.csrf.encode()):
        raise NotAllowed("This form was not sent from a page of your current session. Go back, reload the page, and try again.")
    return fields


FormDep = Annotated[FormFields, Depends(_form)]
"""The fields of a form that was sent from a page of this session."""

LongFormDep = Annotated[FormFields, Depends(_long_form)]
"""The same for a form with many fields, including those that were left empty."""


def check_same_origin(request: Request) -> None:
    """Raise NotAllowed if a page of another origin sent the request, as far as the browser says.

    Browsers leave out `Sec-Fetch-Site` without TLS, but send `Origin` with each form.
    """
    site = request.headers.get("sec-fetch-site") or _site_by_origin(request)
    if site not in ("same-origin", "none"):
        raise NotAllowed("This form was sent from another website. Open the sign-in page here, and try again.")


def _site_by_origin(request: Request) -> str:
    """Return what `Sec-Fetch-Site` would be. A proxy may have replaced the host."""
    origin = request.headers.get("origin")
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    return "same-origin" if origin is None or urlsplit(origin).netloc in hosts else "cross-site"
