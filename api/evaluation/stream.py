"""Telling applications at once that flags have changed: server-sent events, for OFREP and for Flagsmith's SDKs."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.evaluation import flagsmith, ofrep
from api.evaluation.served_environments import Environments

PING = 15
"""Seconds between two signs of life, by which dead clients and idle proxies are found out."""

TOO_SLOW = 10
"""For how many seconds a client may not read before it is dropped; only the newest version is ever kept for it."""

router = APIRouter(
    tags=["evaluation"],
    default_response_class=EventSourceResponse,
    responses={
        200: {"content": {"text/event-stream": {}}},
        404: {"description": "There is no such environment.", "content": {"application/json": {}}},
    },
)


@router.get(f"{ofrep.PREFIX}/streams/{{environment}}")
async def stream_refetches(environment: str, request: Request) -> Response:
    """Events that say when to evaluate anew, by OFREP. Bulk evaluation answers with this address, which asks for no key."""
    return await _stream(environment, request, _refetch)


@router.get(f"{flagsmith.PREFIX}/sse/environments/{{environment}}/stream")
async def stream_updates(environment: str, request: Request) -> Response:
    """Events that say when flags changed, by Flagsmith's realtime API, by bucketing identity or client key; it asks for no other key."""
    return await _stream(environment, request, _updated)


Event = Callable[[int], dict[str, Any]]


def _refetch(version: int) -> dict[str, Any]:
    return {"data": {"type": "refetchEvaluation", "etag": str(version), "lastModified": version // 1_000_000}}


def _updated(version: int) -> dict[str, Any]:
    """In seconds: Flagsmith's SDK compares it with the document's `updated_at`."""
    return {"event": "environment_updated", "data": {"updated_at": version / 1_000_000}}


async def _stream(name: str, request: Request, event: Event) -> Response:
    environments: Environments = request.app.state.environments
    served = await environments.streamed(name)
    if served is None:
        return Response(json.dumps({"detail": "There is no such stream."}), 404, media_type="application/json")
    last = request.headers.get("last-event-id", "")
    known = int(last) if last.isascii() and last.isdecimal() and len(last) < 20 else 0
    return telling(_events(environments, served.id, known, event))


def telling(events: AsyncIterator[ServerSentEvent], too_slow: float = TOO_SLOW) -> EventSourceResponse:
    """A stream of these events, which ends with a client that is gone and is broken off for one that does not read."""
    return EventSourceResponse(events, ping=PING, send_timeout=too_slow)


async def _events(environments: Environments, environment_id: str, known: int, event: Event) -> AsyncIterator[ServerSentEvent]:
    """The version at once, unless the client knows it, and then each that follows; those in between may be left out."""
    while (version := await environments.newer(environment_id, known)) is not None:
        said = event(version)
        yield ServerSentEvent(data=json.dumps(said["data"]), event=said.get("event"), id=str(version))
        known = version
