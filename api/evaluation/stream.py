"""Server-sent events that notify applications of changed flags, for OFREP and for Flagsmith's SDKs."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.evaluation import flagsmith, ofrep
from api.evaluation.served_environments import Environments

PING = 15
"""Seconds between pings, which detect dead clients and keep idle proxies from closing the connection."""

TOO_SLOW = 10
"""Seconds without reading after which a client is dropped. Only the newest version is buffered for it."""

router = APIRouter(
    tags=["evaluation"],
    default_response_class=EventSourceResponse,
    responses={
        200: {"content": {"text/event-stream": {}}},
        404: {"description": "No such environment.", "content": {"application/json": {}}},
    },
)


@router.get(f"{ofrep.PREFIX}/streams/{{environment}}")
async def stream_refetches(environment: str, request: Request) -> Response:
    """Stream an event whenever clients should evaluate again (OFREP). Bulk evaluation returns this address. No key is required."""
    return await _stream(environment, request, _refetch)


@router.get(f"{flagsmith.PREFIX}/sse/environments/{{environment}}/stream")
async def stream_updates(environment: str, request: Request) -> Response:
    """Stream an event for each change (Flagsmith realtime API), by bucketing identity or client key. No other key is required."""
    return await _stream(environment, request, _updated)


Event = Callable[[int], dict[str, Any]]


def _refetch(version: int) -> dict[str, Any]:
    return {"data": {"type": "refetchEvaluation", "etag": str(version), "lastModified": version // 1_000_000}}


def _updated(version: int) -> dict[str, Any]:
    """`updated_at` is in seconds: Flagsmith's SDK compares it with the document's `updated_at`."""
    return {"event": "environment_updated", "data": {"updated_at": version / 1_000_000}}


async def _stream(name: str, request: Request, event: Event) -> Response:
    environments: Environments = request.app.state.environments
    served = await environments.streamed(name)
    if served is None:
        return Response(json.dumps({"detail": "No such stream."}), 404, media_type="application/json")
    last = request.headers.get("last-event-id", "")
    known = int(last) if last.isascii() and last.isdecimal() and len(last) < 20 else 0
    return event_stream(_events(environments, served.id, known, event))


def event_stream(events: AsyncIterator[ServerSentEvent], too_slow: float = TOO_SLOW) -> EventSourceResponse:
    """Respond with a stream of these events. It ends when the client disconnects or has not read for `too_slow` seconds."""
    return EventSourceResponse(events, ping=PING, send_timeout=too_slow)


async def _events(environments: Environments, environment_id: str, known: int, event: Event) -> AsyncIterator[ServerSentEvent]:
    """Yield the current version, unless the client has it, and then later ones. Intermediate versions may be skipped."""
    while (version := await environments.newer(environment_id, known)) is not None:
        content = event(version)
        yield ServerSentEvent(data=json.dumps(content["data"]), event=content.get("event"), id=str(version))
        known = version
