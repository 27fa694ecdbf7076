"""What a Temporal namespace must have before releases can run in it."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client

from workflows.policies import CALL_TO_TEMPORAL
from workflows.search import ALL, KEYWORDS

RETENTION = timedelta(days=30)


async def register_search_attributes(client: Client) -> None:
    """Register what is missing. Without these attributes a workflow's tasks fail for ever, so nothing runs before."""
    operator = client.operator_service
    present = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace), timeout=CALL_TO_TEMPORAL)
    missing = [key for key in ALL if key.name not in present.custom_attributes]
    if missing:
        types = {
            key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD if key in KEYWORDS else IndexedValueType.INDEXED_VALUE_TYPE_DATETIME
            for key in missing
        }
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types)
        await operator.add_search_attributes(request, timeout=CALL_TO_TEMPORAL)


async def keep_histories(client: Client, retention: timedelta = RETENTION) -> None:
    """Let the namespace keep histories for that long after a workflow has ended; a dev server's default is one day."""
    period = Duration()
    period.FromTimedelta(retention)
    config = NamespaceConfig(workflow_execution_retention_ttl=period)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(namespace=client.namespace, config=config), timeout=CALL_TO_TEMPORAL
    )
