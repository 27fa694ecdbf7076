"""What a route may ask for."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.paging import MOST, USUAL, Slice
from domain.access import Caller
from domain.errors import Invalid, NotAuthenticated, Problem
from domain.model import Moment
from workflows.client import ReleaseClient
from workflows.delivery import Delivery

_bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer fh_…`")


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _delivery(request: Request) -> Delivery:
    delivery: Delivery = request.app.state.delivery
    return delivery


def _releases(request: Request) -> ReleaseClient:
    releases: ReleaseClient = request.app.state.releases
    return releases


def _temporal_ui(request: Request) -> str:
    address: str = request.app.state.temporal_ui
    return address


DatabaseOf = Annotated[Database, Depends(_database)]
DeliveryOf = Annotated[Delivery, Depends(_delivery)]
Releases = Annotated[ReleaseClient, Depends(_releases)]
TemporalUi = Annotated[str, Depends(_temporal_ui)]


def _caller(database: DatabaseOf, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    if credentials is None:
        raise NotAuthenticated("Send your API key: Authorization: Bearer <key>.")
    with database.reading() as store:
        caller = store.keys.caller(credentials.credentials)
    if caller is None:
        raise NotAuthenticated("This API key is unknown or revoked.")
    return caller


CallerOf = Annotated[Caller, Depends(_caller)]


def _slice(
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
) -> Slice:
    return Slice(cursor, limit)


SliceOf = Annotated[Slice, Depends(_slice)]
Since = Annotated[Moment | None, Query(description="Only what was at this time or later")]
Until = Annotated[Moment | None, Query(description="Only what was before this time")]


def _revision(if_match: Annotated[str | None, Header(max_length=50, description="The draft's ETag, as last read")] = None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    number = if_match.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit()):
        message = 'If-Match must be an ETag that a draft was answered with, such as "3".'
        raise Invalid(message, problems=(Problem(pointer="/If-Match", code="if_match_invalid", message=message),))
    return int(number)


Revision = Annotated[int | None, Depends(_revision)]


def _idempotency_key(
    idempotency_key: Annotated[
        str | None, Header(max_length=128, pattern=r"^[\x21-\x7e]+$", description="The same key has the same effect once")
    ] = None,
) -> str:
    return idempotency_key or new_id()


IdempotencyKey = Annotated[str, Depends(_idempotency_key)]


def now() -> datetime:
    """This process's clock, which stamps requests."""
    return datetime.now(UTC)
