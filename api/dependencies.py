"""Dependencies of the routes."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header, Query, Request, Response, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from activities.metrics.reader import MetricReader
from activities.store.database import Database
from activities.store.paging import MOST, USUAL, Slice
from activities.store.requests import RequestId
from api.fresh_flags import FreshFlags
from api.idempotency import IdempotentRequest, Writing, digest_of
from api.if_match import parse_if_match
from api.prometheus import ApiMetrics
from api.validation_messages import unknown_name
from domain.access import Caller
from domain.entity_tag import UNCONDITIONAL, Precondition
from domain.errors import NotAuthenticated
from domain.model import Moment
from workflows.service.client import ReleaseClient
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.temporal_health import TemporalHealth

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer fh_…`")


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _outbox_relay(request: Request) -> OutboxRelay:
    outbox_relay: OutboxRelay = request.app.state.outbox_relay
    return outbox_relay


async def _releases(request: Request) -> ReleaseClient:
    releases: ReleaseClient = request.app.state.releases
    return releases


async def _metrics(request: Request) -> ApiMetrics:
    metrics: ApiMetrics = request.app.state.metrics
    return metrics


async def _temporal_health(request: Request) -> TemporalHealth:
    temporal_health: TemporalHealth = request.app.state.temporal_health
    return temporal_health


async def _temporal_ui(request: Request) -> str:
    address: str = request.app.state.temporal_ui
    return address


async def _allow_private(request: Request) -> bool:
    allowed: bool = request.app.state.webhooks_allow_private
    return allowed


async def _fresh_flags(request: Request) -> FreshFlags:
    fresh_flags: FreshFlags = request.app.state.fresh_flags
    return fresh_flags


async def _metric_reader(request: Request) -> MetricReader:
    metric_reader: MetricReader = request.app.state.metric_reader
    return metric_reader


DatabaseDep = Annotated[Database, Depends(_database)]
FreshFlagsDep = Annotated[FreshFlags, Depends(_fresh_flags)]
OutboxRelayDep = Annotated[OutboxRelay, Depends(_outbox_relay)]
ReleasesDep = Annotated[ReleaseClient, Depends(_releases)]
TemporalHealthDep = Annotated[TemporalHealth, Depends(_temporal_health)]
MetricReaderDep = Annotated[MetricReader, Depends(_metric_reader)]
MetricsDep = Annotated[ApiMetrics, Depends(_metrics)]
AllowPrivateDep = Annotated[bool, Depends(_allow_private)]
TemporalUiDep = Annotated[str, Depends(_temporal_ui)]


def _caller(
    request: Request, database: DatabaseDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    return caller_of(request, database, credentials)


def caller_of(request: Request, database: Database, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    """Return the caller with that API key. Raises NotAuthenticated."""
    if credentials is None:
        raise NotAuthenticated("Send an API key: Authorization: Bearer <key>. The command line reads it from FLAGHOIST_KEY.")
    with database.reading() as store:
        caller = store.keys.caller(credentials.credentials)
    if caller is None:
        raise NotAuthenticated("This API key is unknown or revoked.")
    request.state.caller = caller
    request.app.state.rate_limit.check(caller.key)
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]


def _slice(
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the previous page; omit it for the first page")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most items to return")] = USUAL,
) -> Slice:
    return Slice(cursor, limit)


SliceDep = Annotated[Slice, Depends(_slice)]
SinceDep = Annotated[Moment | None, Query(description="Only items at or after this time")]
UntilDep = Annotated[Moment | None, Query(description="Only items before this time")]


def _precondition(
    request: Request,
    _if_match: Annotated[
        str | None,
        Header(
            alias="if-match",
            description="The ETag of the resource, as last read, a list of ETags, or `*`. If none of them is current, nothing is changed",
        ),
    ] = None,
) -> Precondition:
    lines = request.headers.getlist("if-match")
    try:
        return parse_if_match(", ".join(lines)) if lines else UNCONDITIONAL
    except ValueError as error:
        raise RequestValidationError([{"type": "value_error", "loc": ("header", "if-match"), "msg": str(error)}]) from error


PreconditionDep = Annotated[Precondition, Depends(_precondition)]


async def _writing(
    request: Request,
    response: Response,
    caller: CallerDep,
    database: DatabaseDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="A unique key of the request. Within 24 hours, repetitions with the same key return the first answer",
        ),
    ] = None,
) -> Writing:
    request_id = RequestId(caller.key, request.url.path, idempotency_key) if idempotency_key else None
    digest = digest_of(await request.body()) if request_id else ""
    return Writing(database, IdempotentRequest(request_id, digest, request.scope["route"].status_code or HTTPStatus.OK, now()), response)


WritingDep = Annotated[Writing, Depends(_writing)]


def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not have: a misspelt filter would filter nothing."""
    fields = get_flat_params(request.scope["route"].dependant)
    known = sorted(field.alias for field in fields if isinstance(field.field_info, params.Query))
    problems = [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": unknown_name("query parameter", name, known)}
        for name in request.query_params
        if name not in known
    ]
    if problems:
        raise RequestValidationError(problems)


def now() -> datetime:
    """Return the time of this process's clock, in UTC."""
    return datetime.now(UTC)
