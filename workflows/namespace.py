"""What a Temporal namespace must have before releases can run in it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from workflows.client import connect
from workflows.policies import CALL_TO_TEMPORAL
from workflows.search import ALL, KEYWORDS

RETENTION = timedelta(days=30)


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
