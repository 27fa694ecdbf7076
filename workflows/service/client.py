"""The only door into running releases."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, GetSystemInfoRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from domain import errors
from domain.releases.control import Control
from domain.releases.release import Release
from domain.system import TemporalStatus, WorkerSeen
from workflows.messages import LOOK_AGAIN, RELEASE, ROLLBACK, TASK_QUEUE, RecordedDecision, ReleaseInput, RollbackInput, SteerRelease
from workflows.policies import CALL_TO_TEMPORAL, CONTROL, LOOK_AT_TEMPORAL
from workflows.search_attributes import attributes_of_rollback, first_attributes
from workflows.web_ui import details_of, details_of_rollback, summary_of, summary_of_rollback


class TemporalUnavailable(Exception):
    """Temporal, or every worker, can't be reached now. A retry may succeed."""


class WorkflowFate(StrEnum):
    """What has become of a release's workflow."""

    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    BROKEN = "broken"
    GONE = "gone"


class Fate(NamedTuple):
    """What has become of a workflow; `at` is unknown while it runs, and of one that Temporal has forgotten."""

    what: WorkflowFate
    at: datetime | None = None


AGAIN_AFTER = 0.3
"""In seconds: how long a workflow task that was given up takes to be tried again."""

_FATES = {
    WorkflowExecutionStatus.TERMINATED: WorkflowFate.BROKEN,
    WorkflowExecutionStatus.FAILED: WorkflowFate.BROKEN,
    WorkflowExecutionStatus.TIMED_OUT: WorkflowFate.BROKEN,
    WorkflowExecutionStatus.COMPLETED: WorkflowFate.ENDED,
    WorkflowExecutionStatus.CANCELED: WorkflowFate.CANCELLED,
}
_ENDED_FROM_OUTSIDE = 'ExecutionStatus IN ("Canceled", "Terminated", "Failed", "TimedOut")'


async def connect(*, lazy: bool = True, runtime: Runtime | None = None) -> Client:
    """A client with the settings in Temporal's own environment variables; a lazy one connects when it is first used."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "127.0.0.1:7233")
    return await Client.connect(**config, data_converter=pydantic_data_converter, lazy=lazy, runtime=runtime)


class ReleaseClient:
    """Starts releases, steers them, and asks what became of them."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def look(self) -> TemporalStatus:
        """What Temporal tells of itself and of the workers, within a second; that it can't be reached, where it doesn't answer."""
        kinds = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
        try:
            async with asyncio.timeout(LOOK_AT_TEMPORAL.total_seconds()):
                system = await self.client.workflow_service.get_system_info(GetSystemInfoRequest())
                seen = await asyncio.gather(*(self._pollers(kind) for kind in kinds))
        except (RPCError, RuntimeError, TimeoutError):
            return TemporalStatus()
        return TemporalStatus(reachable=True, version=system.server_version, workers=_latest(chain(*seen)))

    async def start(self, workflow_id: str, release: ReleaseInput) -> None:
        """Start a release under its own id; one that was started already is left as it is."""
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                RELEASE,
                release,
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=first_attributes(release),
                static_summary=summary_of(release),
                static_details=details_of(release),
                rpc_timeout=CALL_TO_TEMPORAL,
            )

    async def start_rollback(self, workflow_id: str, asked: RollbackInput) -> None:
        """Start the rollback of a release that had ended; one that was started already is left as it is."""
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                ROLLBACK,
                asked,
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=attributes_of_rollback(asked),
                static_summary=summary_of_rollback(asked),
                static_details=details_of_rollback(asked),
                rpc_timeout=CALL_TO_TEMPORAL,
            )

    async def started_at(self, workflow_id: str) -> datetime:
        """When a release's workflow started, by Temporal's clock."""
        description = await self.client.get_workflow_handle(workflow_id).describe(rpc_timeout=CALL_TO_TEMPORAL)
        return description.start_time

    async def look_again(self, workflow_id: str, decided: RecordedDecision | None = None) -> None:
        """Tell a release that its record was changed; one that has ended needn't know."""
        try:
            await self.client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN, decided, rpc_timeout=CALL_TO_TEMPORAL)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def steer(self, release: Release, kind: Control, control: SteerRelease, update_id: str) -> None:
        """Send a control, and return when the record shows its effect. Raises the refusal, or TemporalUnavailable."""
        await self._control(release, kind, control, update_id)

    async def fate(self, workflow_id: str) -> Fate:
        """What has become of the latest run of a release's workflow, and when by Temporal's clock."""
        try:
            description = await self.client.get_workflow_handle(workflow_id).describe(rpc_timeout=CALL_TO_TEMPORAL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Fate(WorkflowFate.GONE)
            raise
        status = description.status or WorkflowExecutionStatus.RUNNING
        return Fate(_FATES.get(status, WorkflowFate.RUNNING), description.close_time)

    async def ended_from_outside(self, since: datetime) -> AsyncIterator[str]:
        """The ids of the workflows of releases, and of their rollbacks, that were cancelled, terminated or failed since then."""
        query = f'WorkflowType IN ("{RELEASE}", "{ROLLBACK}") AND {_ENDED_FROM_OUTSIDE} AND CloseTime > "{since.isoformat()}"'
        async for execution in self.client.list_workflows(query, rpc_timeout=CALL_TO_TEMPORAL):
            yield execution.id

    async def _pollers(self, kind: TaskQueueType.ValueType) -> list[WorkerSeen]:
        """Who asked for such tasks within the last five minutes."""
        queue = TaskQueue(name=TASK_QUEUE)
        request = DescribeTaskQueueRequest(namespace=self.client.namespace, task_queue=queue, task_queue_type=kind)
        pollers = (await self.client.workflow_service.describe_task_queue(request)).pollers
        return [WorkerSeen(identity=each.identity, seen_at=each.last_access_time.ToDatetime(tzinfo=UTC)) for each in pollers]

    async def _control(self, release: Release, name: str, control: Any, update_id: str) -> None:
        try:
            await self._update(release.workflow_id, name, control, update_id)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error.cause) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise TemporalUnavailable("No worker answered in time.") from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise errors.ControlNotAllowed("The release's workflow has ended.", status=release.status) from error
            raise TemporalUnavailable("Temporal can't be reached.") from error
        except RuntimeError as error:
            raise TemporalUnavailable("Temporal can't be reached.") from error

    async def _update(self, workflow_id: str, name: str, control: Any, update_id: str) -> None:
        """Send an update; once more, under its id, where the workflow ended in the very moment in which it came."""
        handle = self.client.get_workflow_handle(workflow_id)
        try:
            await handle.execute_update(name, control, id=update_id, rpc_timeout=CONTROL)
        except RPCError as error:
            if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise
            await asyncio.sleep(AGAIN_AFTER)
            await handle.execute_update(name, control, id=update_id, rpc_timeout=CONTROL)


def _latest(seen: Iterable[WorkerSeen]) -> tuple[WorkerSeen, ...]:
    """Each worker once, the one that was seen last first."""
    latest = {worker.identity: worker for worker in sorted(seen, key=lambda worker: worker.seen_at)}
    return tuple(sorted(latest.values(), key=lambda worker: worker.seen_at, reverse=True))


def _refusal(cause: BaseException) -> Exception:
    if not isinstance(cause, ApplicationError):
        return TemporalUnavailable(str(cause))
    kind = getattr(errors, cause.type or "", errors.Conflict)
    details = cause.details[0] if cause.details and isinstance(cause.details[0], dict) else {}
    return kind(cause.message, **details) if issubclass(kind, errors.Refusal) else errors.Conflict(cause.message)
