"""Preparation of a Temporal namespace for releases."""

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

from workflows.policies import RPC_TIMEOUT
from workflows.search_attributes import ALL, KEYWORDS
from workflows.service.client import TemporalUnavailable
from workflows.service.connection import ENVIRONMENT, Connection, CredentialsUnreadable
from workflows.service.rejections import SearchAttributesMissing, explain

DEFAULT_RETENTION = timedelta(days=30)

_RETRY_DELAY = 1.0


class Namespace(NamedTuple):
    """A namespace that is ready for releases. `is_new` is true if it was just created."""

    name: str
    retention: timedelta
    is_new: bool


async def ensure_namespace(wait: timedelta, retention: timedelta | None = None, connection: Connection = ENVIRONMENT) -> Namespace:
    """Wait for Temporal, and create and configure the namespace. Idempotent. Raises TemporalUnavailable.

    The retention of an existing namespace is changed only if one is given.
    """
    deadline = time.monotonic() + wait.total_seconds()
    is_new = False
    while True:
        try:
            async with asyncio.timeout(3 * RPC_TIMEOUT.total_seconds()):
                client = await connection.connect(lazy=False)
                is_new = await _register_namespace(client, retention or DEFAULT_RETENTION) or is_new
                # The server needs some seconds to learn of a new namespace. Until then this fails and is retried.
                await register_search_attributes(client)
                if retention is not None and not is_new:
                    await set_retention(client, retention)
                return Namespace(client.namespace, await _retention(client), is_new)
        except (RPCError, RuntimeError, TimeoutError, CredentialsUnreadable, SearchAttributesMissing) as error:
            reason = await explain(error, connection)
            if reason or time.monotonic() > deadline:
                raise TemporalUnavailable(reason or str(error) or "Temporal did not answer in time.") from error
        await asyncio.sleep(_RETRY_DELAY)


async def prepare_namespace() -> None:
    """Connect to Temporal and configure the existing namespace. Idempotent."""
    client = await ENVIRONMENT.connect(lazy=False)
    await register_search_attributes(client)
    await set_retention(client)


async def register_search_attributes(client: Client) -> None:
    """Register missing search attributes. Run nothing before this: without them the tasks of every workflow fail.

    A client without the right to register them needs them to exist. Raises SearchAttributesMissing.
    """
    missing = await _missing_search_attributes(client)
    if not missing:
        return
    try:
        await add_search_attributes(client, missing)
    except RPCError as error:
        if error.status is not RPCStatusCode.PERMISSION_DENIED:
            raise
        if still_missing := await _missing_search_attributes(client):  # Another process may have been faster.
            names = ", ".join(key.name for key in still_missing)
            message = f"Search attributes are missing and may not be registered: {names}. Register them, or run `flaghoist bootstrap`."
            raise SearchAttributesMissing(message) from error


async def _missing_search_attributes(client: Client) -> list[SearchAttributeKey[Any]]:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    present = await client.operator_service.list_search_attributes(request, timeout=RPC_TIMEOUT)
    return [key for key in ALL if key.name not in present.custom_attributes]


async def add_search_attributes(client: Client, keys: Sequence[SearchAttributeKey[Any]] = ALL) -> None:
    """Register search attributes that don't exist yet."""
    keyword, datetime = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_DATETIME
    types = {key.name: keyword if key in KEYWORDS else datetime for key in keys}
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types)
    await client.operator_service.add_search_attributes(request, timeout=RPC_TIMEOUT)


async def set_retention(client: Client, retention: timedelta = DEFAULT_RETENTION) -> None:
    """Set how long the namespace keeps histories of closed workflows. A dev server's default is one day."""
    period = Duration()
    period.FromTimedelta(retention)
    config = NamespaceConfig(workflow_execution_retention_ttl=period)
    await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config), timeout=RPC_TIMEOUT)


async def _register_namespace(client: Client, retention: timedelta) -> bool:
    """Register the namespace if it is missing. Returns True if this call registered it."""
    try:
        await _describe(client)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return await _register(client, retention)
    return False


async def _register(client: Client, retention: timedelta) -> bool:
    """Register the namespace. Returns False if another process was faster."""
    period = Duration()
    period.FromTimedelta(retention)
    request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=period)
    try:
        await client.workflow_service.register_namespace(request, timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
        return False
    return True


async def _retention(client: Client) -> timedelta:
    return (await _describe(client)).config.workflow_execution_retention_ttl.ToTimedelta()


async def _describe(client: Client) -> DescribeNamespaceResponse:
    return await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace), timeout=RPC_TIMEOUT)
