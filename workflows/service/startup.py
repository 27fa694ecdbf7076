"""The connection of a worker to Temporal. A failure that no retry repairs ends the worker."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from activities.tracing import Tracer
from workflows.service.client import connect
from workflows.service.namespace import PERMANENT_ERRORS, SearchAttributesMissing, register_search_attributes

log = structlog.get_logger()

RETRY_DELAY = 2.0

_REJECTIONS = {
    "code: Unauthenticated": "Temporal rejects the API key. Check TEMPORAL_API_KEY.",
    "code: PermissionDenied": "Temporal denies access. Check the rights of the API key or certificate.",
    "InvalidCertificate": "Temporal's certificate is not trusted. Check TEMPORAL_TLS_SERVER_CA_CERT_PATH and TEMPORAL_TLS_SERVER_NAME.",
    "fatal alert": "Temporal rejects the client certificate. Check TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.",
    "ParseError": "The client certificate or its key can't be read. Check TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.",
    "InvalidContentType": "Temporal does not use TLS at this address. Check TEMPORAL_TLS and TEMPORAL_ADDRESS.",
}
"""The sentence for each sign of a rejection. While it connects, the SDK reports a status or TLS error only within a RuntimeError's text."""


class WorkerCannotStart(Exception):
    """The worker can't work until somebody changes its configuration or its rights."""


async def connect_worker(
    stop: asyncio.Event, runtime: Runtime | None, payload_keys: Sequence[str] = (), tracer: Tracer | None = None
) -> Client | None:
    """Wait for Temporal, and register the search attributes. Return None if stopped while waiting. Raises WorkerCannotStart."""
    while not stop.is_set():
        try:
            client = await connect(payload_keys, lazy=False, runtime=runtime, tracer=tracer)
            await register_search_attributes(client)
            return client
        except Exception as error:
            if reason := rejection(error):
                raise WorkerCannotStart(reason) from error
            log.warning("temporal_not_ready", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RETRY_DELAY)
    return None


def rejection(error: Exception) -> str | None:
    """Return the reason why no retry can succeed, or None if one may."""
    if isinstance(error, SearchAttributesMissing):
        return str(error)
    if isinstance(error, RPCError):
        return f"Temporal rejects this worker: {error.message}" if error.status in PERMANENT_ERRORS else None
    return next((sentence for sign, sentence in _REJECTIONS.items() if sign in str(error)), None)
