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
    """Return the words with which each change described its result, made within a workflow task or by a regular activity."""
    converter = DataConverter.default.payload_converter
    results = [
        payload
        for event in (await handle.fetch_history()).events
        for payload in (
            *event.activity_task_completed_event_attributes.result.payloads,
            *event.marker_recorded_event_attributes.details["result"].payloads,
        )
    ]
    return [converter.from_payload(result, dict)["text"] for result in results]
