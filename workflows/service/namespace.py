"""What a Temporal namespace must have before releases can run in it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from workflows.policies import CALL_TO_TEMPORAL
from workflows.search_attributes import ALL, KEYWORDS
from workflows.service.client import TemporalUnavailable, connect

RETENTION = timedelta(days=30)

_FOR_GOOD = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED}
_BETWEEN_ATTEMPTS = 1.0


class Namespace(NamedTuple):
    """A namespace that is ready, and whether it was made just now."""

    name: str
    retention: timedelta
    is_new: bool


async def make_namespace_ready(wait: timedelta, retention: timedelta | None = None) -> Namespace:
    """Wait for Temporal and give the namespace all it needs, the namespace itself included. Raises TemporalUnavailable.

    An existing one's retention is changed only if one is given. Doing this twice is the same as doing it once.
    """
    deadline = time.monotonic() + wait.total_seconds()
    is_new = False
    while True:
        try:
            async with asyncio.timeout(3 * CALL_TO_TEMPORAL.total_seconds()):
                client = await connect(lazy=False)
                is_new = await _register_namespace(client, retention or RETENTION) or is_new
                # A new namespace takes the server some seconds to learn; until then this fails and is tried again.
                await register_search_attributes(client)
                if retention is not None and not is_new:
                    await keep_histories(client, retention)
                return Namespace(client.namespace, await _retention(client), is_new)
        except (RPCError, RuntimeError, TimeoutError) as error:
            final = isinstance(error, RPCError) and error.status in _FOR_GOOD
            if final or time.monotonic() > deadline:
                raise TemporalUnavailable(str(error) or "it does not answer in time") from error
        await asyncio.sleep(_BETWEEN_ATTEMPTS)


async def prepare_namespace() -> None:
    """Connect to Temporal and give the namespace all it needs. Doing this twice is the same as doing it once."""
    client = await connect(lazy=False)
    await register_search_attributes(client)
    await keep_histories(client)


async def register_search_attributes(client: Client) -> None:
    """Register what is missing. Without these attributes a workflow's tasks fail for ever, so nothing runs before."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    present = await client.operator_service.list_search_attributes(request, timeout=CALL_TO_TEMPORAL)
    if missing := [key for key in ALL if key.name not in present.custom_attributes]:
        await add_search_attributes(client, missing)


async def add_search_attributes(client: Client, keys: Sequence[SearchAttributeKey[Any]] = ALL) -> None:
    """Register attributes that are not there yet."""
    keyword, datetime = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_DATETIME
    types = {key.name: keyword if key in KEYWORDS else datetime for key in keys}
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types)
    await client.operator_service.add_search_attributes(request, timeout=CALL_TO_TEMPORAL)


async def keep_histories(client: Client, retention: timedelta = RETENTION) -> None:
    """Let the namespace keep histories for that long after a workflow has ended; a dev server's default is one day."""
    period = Duration()
    period.FromTimedelta(retention)
    config = NamespaceConfig(workflow_execution_retention_ttl=period)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(namespace=client.namespace, config=config), timeout=CALL_TO_TEMPORAL
    )


async def _register_namespace(client: Client, retention: timedelta) -> bool:
    """Whether the namespace was missing, and is made now."""
    try:
        await _describe(client)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return await _register(client, retention)
    return False


async def _register(client: Client, retention: timedelta) -> bool:
    """Whether it was made by us, and not by somebody else in the same moment."""
    period = Duration()
    period.FromTimedelta(retention)
    request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=period)
    try:
        await client.workflow_service.register_namespace(request, timeout=CALL_TO_TEMPORAL)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
        return False
    return True


async def _retention(client: Client) -> timedelta:
    return (await _describe(client)).config.workflow_execution_retention_ttl.ToTimedelta()


async def _describe(client: Client) -> DescribeNamespaceResponse:
    return await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace), timeout=CALL_TO_TEMPORAL)
