"""What Temporal's own records say of a release."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.service import RPCError

from tests.e2e.stack import Stack


def attempts_of_change_flag(stack: Stack, release: dict[str, Any]) -> int:
    """The highest attempt of any change_flag so far."""
    return asyncio.run(_attempts(stack, release))


def workflow_status(stack: Stack, release: dict[str, Any]) -> str:
    """What has become of the release's workflow; empty while Temporal can't say."""
    try:
        description = asyncio.run(_describe(stack, release))
    except (RPCError, RuntimeError):
        return ""
    return description.status.name if description.status else ""


def process_at_work_on(stack: Stack, release: dict[str, Any]) -> int | None:
    """The process id of the worker that carries out a stage of the release just now."""
    pending = asyncio.run(_describe(stack, release)).raw_description.pending_activities
    identities = [activity.last_worker_identity for activity in pending if activity.HasField("last_started_time")]
    return int(identities[0].split("@")[0]) if identities else None


async def _handle(stack: Stack, release: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    client = await Client.connect(f"127.0.0.1:{stack.temporal_port}")
    return client.get_workflow_handle(release["workflow_id"])


async def _describe(stack: Stack, release: dict[str, Any]) -> WorkflowExecutionDescription:
    return await (await _handle(stack, release)).describe(rpc_timeout=timedelta(seconds=5))


async def _attempts(stack: Stack, release: dict[str, Any]) -> int:
    """A started activity is in the history only once it has ended; until then it is pending."""
    handle = await _handle(stack, release)
    pending = (await handle.describe()).raw_description.pending_activities
    started = [event.activity_task_started_event_attributes.attempt for event in (await handle.fetch_history()).events]
    return max([*started, *(activity.attempt for activity in pending if activity.HasField("last_started_time"))], default=0)
