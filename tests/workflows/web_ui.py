"""Reads through the client what the Temporal Web UI shows."""

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.converter import DataConverter

from tests.workflows.harness import Handle


async def summaries(handle: Handle) -> list[str]:
    """Return the summary of each event that has one."""
    converter = DataConverter.default.payload_converter
    events = (await handle.fetch_history()).events
    return [converter.from_payload(e.user_metadata.summary, str) for e in events if e.user_metadata.summary.data]


async def details(handle: Handle) -> str:
    """Return the current details."""
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)


async def activity_results(handle: Handle) -> list[str]:
    """Return the words with which each regular activity described its result."""
    converter = DataConverter.default.payload_converter
    results = [
        event.activity_task_completed_event_attributes.result.payloads[0]
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_completed_event_attributes")
    ]
    return [converter.from_payload(result, dict)["text"] for result in results]
