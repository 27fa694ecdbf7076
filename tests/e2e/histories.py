"""The history that Temporal records of a release's workflow."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.service import RPCError

from tests.e2e.stack import Stack
from tests.waiting import CEILING

CALL = timedelta(seconds=CEILING)


def attempts_of_change_flag(stack: Stack, release: dict[str, Any]) -> int:
    """Return the highest attempt of any change_flag that is a regular activity, so far."""
    return asyncio.run(_attempts(stack, release))


def events_of(stack: Stack, release: dict[str, Any]) -> list[str]:
    """Return the types of the events in its history, such as TIMER_FIRED; none while Temporal can't be reached."""
    try:
        return asyncio.run(_events(stack, release))
    except (RPCError, RuntimeError):
        return []


def local_changes(stack: Stack, release: dict[str, Any]) -> list[str]:
    """Return the id of each change that was made within a workflow task, such as change/1/1 for the first step of the first visit."""
    return asyncio.run(_local_changes(stack, release))


def workflow_status(stack: Stack, release: dict[str, Any]) -> str:
    """Return the status of the release's workflow, or nothing while Temporal can't be reached."""
    try:
        description = asyncio.run(_describe(stack, release))
    except (RPCError, RuntimeError):
        return ""
    return description.status.name if description.status else ""


def process_acting_on(stack: Stack, release: dict[str, Any]) -> int | None:
    """Return the process id of the worker that runs an activity of the release now."""
    pending = asyncio.run(_describe(stack, release)).raw_description.pending_activities
    identities = [activity.last_worker_identity for activity in pending if activity.HasField("last_started_time")]
    return int(identities[0].split("@")[0]) if identities else None


async def _handle(stack: Stack, release: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    client = await Client.connect(f"127.0.0.1:{stack.temporal_port}")
    return client.get_workflow_handle(release["workflow_id"])


async def _describe(stack: Stack, release: dict[str, Any]) -> WorkflowExecutionDescription:
    return await (await _handle(stack, release)).describe(rpc_timeout=CALL)


async def _events(stack: Stack, release: dict[str, Any]) -> list[str]:
    events = (await (await _handle(stack, release)).fetch_history(rpc_timeout=CALL)).events
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events]


async def _local_changes(stack: Stack, release: dict[str, Any]) -> list[str]:
    events = (await (await _handle(stack, release)).fetch_history(rpc_timeout=CALL)).events
    markers = [event.marker_recorded_event_attributes for event in events]
    activities = [json.loads(marker.details["data"].payloads[0].data) for marker in markers if marker.marker_name == "core_local_activity"]
    return [activity["activity_id"] for activity in activities if activity["activity_type"] == "change_flag"]


async def _attempts(stack: Stack, release: dict[str, Any]) -> int:
    """A started activity enters the history only when it ends. Until then it is pending."""
    handle = await _handle(stack, release)
    pending = (await handle.describe(rpc_timeout=CALL)).raw_description.pending_activities
    events = (await handle.fetch_history(rpc_timeout=CALL)).events
    started = [event.activity_task_started_event_attributes.attempt for event in events]
    return max([*started, *(activity.attempt for activity in pending if activity.HasField("last_started_time"))], default=0)
