"""The client for running releases; nothing else talks to their workflows."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue, TaskQueueVersioningInfo
from temporalio.api.workflow.v1 import WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    GetSystemInfoRequest,
    ResetActivityRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain import errors
from domain.releases.control import Control
from domain.releases.release import Release
from domain.system import TemporalStatus, WorkerSeen
from workflows.encryption import PayloadUnreadable
from workflows.messages import LOOK_AGAIN, RELEASE, ROLLBACK, TASK_QUEUE, RecordedDecision, ReleaseInput, RollbackInput, SteerRelease
from workflows.payloads import encryption_of
from workflows.policies import HEALTH_TIMEOUT, RPC_TIMEOUT, UPDATE_TIMEOUT, URGENT
from workflows.search_attributes import release_attributes, rollback_attributes
from workflows.service.rejections import explain
from workflows.web_ui import ended_rollback_details, ended_rollback_summary, release_details, release_summary


class TemporalUnavailable(Exception):
    """Temporal or all workers are unreachable. A retry may succeed."""


class WorkflowState(StrEnum):
    """The state of a workflow at Temporal."""

    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    BROKEN = "broken"
    GONE = "gone"


class WorkflowInfo(NamedTuple):
    """The state of a workflow, and when it closed: None while it runs, and if Temporal does not know it."""

    state: WorkflowState
    closed_at: datetime | None = None


UPDATE_RETRY_DELAY = 0.3
"""In seconds: Temporal needs about this long to retry a workflow task that was abandoned."""

_STATES = {
    WorkflowExecutionStatus.TERMINATED: WorkflowState.BROKEN,
    WorkflowExecutionStatus.FAILED: WorkflowState.BROKEN,
    WorkflowExecutionStatus.TIMED_OUT: WorkflowState.BROKEN,
    WorkflowExecutionStatus.COMPLETED: WorkflowState.ENDED,
    WorkflowExecutionStatus.CANCELED: WorkflowState.CANCELLED,
}
_CLOSED_EXTERNALLY = 'ExecutionStatus IN ("Canceled", "Terminated", "Failed", "TimedOut")'


class ReleaseClient:
    """Starts releases, sends controls to them, and reads the state of their workflows."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.encryption = encryption_of(client.data_converter)

    async def health(self) -> TemporalStatus:
        """Return the health of Temporal and its workers. Reports Temporal as unreachable if it does not answer within a second."""
        try:
            return await self.ask_health()
        except (RPCError, RuntimeError, TimeoutError) as error:
            return TemporalStatus(rejection=await explain(error, self.client))

    async def ask_health(self) -> TemporalStatus:
        """Return the same, or raise if Temporal does not answer within a second, or rejects this client."""
        kinds = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
        async with asyncio.timeout(HEALTH_TIMEOUT.total_seconds()):
            system = await self.client.workflow_service.get_system_info(GetSystemInfoRequest())
            pollers = await asyncio.gather(*(self._pollers(kind) for kind in kinds))
        return TemporalStatus(reachable=True, version=system.server_version, workers=_most_recent(chain(*pollers)))

    async def start(self, workflow_id: str, release: ReleaseInput) -> None:
        """Start the workflow of a release, unless it was started already."""
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                RELEASE,
                release,
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=release_attributes(release),
                static_summary=release_summary(release),
                static_details=release_details(release),
                priority=Priority(fairness_key=self._fairness_key(release)),
                rpc_timeout=RPC_TIMEOUT,
            )

    async def start_rollback(self, workflow_id: str, request: RollbackInput) -> None:
        """Start the rollback of an ended release, unless it was started already."""
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                ROLLBACK,
                request,
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=rollback_attributes(request),
                static_summary=ended_rollback_summary(request),
                static_details=ended_rollback_details(request),
                priority=Priority(priority_key=URGENT.priority_key, fairness_key=self._fairness_key(request)),
                rpc_timeout=RPC_TIMEOUT,
            )

    def check_hides(self, release: Release) -> None:
        """Raise TemporalUnavailable if the release hides names from Temporal, and this process could only send them in clear."""
        if release.hides_names and not self.encryption.is_on:
            raise TemporalUnavailable("This release is encrypted at Temporal, and this process has no FLAGHOIST_PAYLOAD_KEYS.")

    def _fairness_key(self, message: ReleaseInput | RollbackInput) -> str:
        """Return the project, or a pseudonym of it."""
        return self.encryption.pseudonym(message.project) if message.hides_names else message.project

    async def started_at(self, workflow_id: str) -> datetime:
        """Return when a release's workflow started, by Temporal's clock."""
        description = await self.client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        return description.start_time

    async def look_again(self, workflow_id: str, decided: RecordedDecision | None = None, *, urgent: bool = False) -> None:
        """Signal a release to read its record again, if urgent before the tasks of others. A workflow that has ended is ignored."""
        if urgent:
            await self._make_urgent(workflow_id)
        try:
            await self.client.get_workflow_handle(workflow_id).signal(LOOK_AGAIN, decided, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _make_urgent(self, workflow_id: str) -> None:
        """Raise the priority of the tasks of a running workflow. Where the server can't do that, the tasks keep their turn."""
        request = UpdateWorkflowExecutionOptionsRequest(
            namespace=self.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            workflow_execution_options=WorkflowExecutionOptions(priority=URGENT._to_proto()),
            update_mask=FieldMask(paths=["priority.priority_key"]),
        )
        with suppress(RPCError):  # The signal that follows meets the same outage, and is retried.
            await self.client.workflow_service.update_workflow_execution_options(request, timeout=RPC_TIMEOUT)

    async def wake(self, workflow_id: str) -> None:
        """Retry at once an activity that waits for its next attempt. A workflow that has ended, or has none, is ignored."""
        execution = WorkflowExecution(workflow_id=workflow_id)
        request = ResetActivityRequest(namespace=self.client.namespace, execution=execution, match_all=True, keep_paused=True)
        try:
            await self.client.workflow_service.reset_activity(request, timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.FAILED_PRECONDITION):
                raise

    async def send_control(self, release: Release, kind: Control, control: SteerRelease, update_id: str) -> None:
        """Send a control, and return when the record shows its effect. Raises the refusal, or TemporalUnavailable."""
        self.check_hides(release)
        if release.hides_names:
            update_id = hashlib.sha256(update_id.encode()).hexdigest()  # An Idempotency-Key may have names.
        try:
            await self._update(release.workflow_id, kind, control, update_id)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error.cause) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise TemporalUnavailable("No worker answered in time.") from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise errors.ControlNotAllowed("The release's workflow has ended.", status=release.status) from error
            raise TemporalUnavailable("Temporal can't be reached.") from error
        except PayloadUnreadable as error:  # It may have taken effect: the answer is encrypted with a key of the workers.
            raise TemporalUnavailable(str(error)) from error
        except RuntimeError as error:
            raise TemporalUnavailable("Temporal can't be reached.") from error

    async def describe(self, workflow_id: str) -> WorkflowInfo:
        """Return the state of the latest run of a workflow."""
        try:
            description = await self.client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return WorkflowInfo(WorkflowState.GONE)
            raise
        status = description.status or WorkflowExecutionStatus.RUNNING
        return WorkflowInfo(_STATES.get(status, WorkflowState.RUNNING), description.close_time)

    async def closed_externally(self, since: datetime) -> AsyncIterator[str]:
        """Yield the ids of workflows of releases and rollbacks that were cancelled, terminated or failed since then."""
        query = f'WorkflowType IN ("{RELEASE}", "{ROLLBACK}") AND {_CLOSED_EXTERNALLY} AND CloseTime > "{since.isoformat()}"'
        async for execution in self.client.list_workflows(query, rpc_timeout=RPC_TIMEOUT):
            yield execution.id

    async def _pollers(self, kind: TaskQueueType.ValueType) -> list[WorkerSeen]:
        """Return the workers that polled for tasks of this kind within the last five minutes."""
        queue = TaskQueue(name=TASK_QUEUE)
        request = DescribeTaskQueueRequest(namespace=self.client.namespace, task_queue=queue, task_queue_type=kind)
        described = await self.client.workflow_service.describe_task_queue(request)
        return [
            WorkerSeen(
                identity=each.identity,
                seen_at=each.last_access_time.ToDatetime(tzinfo=UTC),
                gets_work=_gets_work(each, described.versioning_info),
            )
            for each in described.pollers
        ]

    async def _update(self, workflow_id: str, name: str, control: Any, update_id: str) -> None:
        """Send an update. Retry once under the same id if the workflow was closing as the update arrived."""
        handle = self.client.get_workflow_handle(workflow_id)
        try:
            await handle.execute_update(name, control, id=update_id, rpc_timeout=UPDATE_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise
            await asyncio.sleep(UPDATE_RETRY_DELAY)
            await handle.execute_update(name, control, id=update_id, rpc_timeout=UPDATE_TIMEOUT)


def _gets_work(poller: PollerInfo, versioning: TaskQueueVersioningInfo) -> bool:
    """True if its build is the current or the ramping version. Unversioned workers have none, like a queue without versioning."""
    options = poller.deployment_options
    is_versioned = options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
    build = (options.deployment_name, options.build_id) if is_versioned else ("", "")
    served = [versioning.current_deployment_version]
    if versioning.ramping_version_percentage:
        served.append(versioning.ramping_deployment_version)
    return build in [(each.deployment_name, each.build_id) for each in served]


def _most_recent(seen: Iterable[WorkerSeen]) -> tuple[WorkerSeen, ...]:
    """Return each worker once, the most recently seen first."""
    latest = {worker.identity: worker for worker in sorted(seen, key=lambda worker: worker.seen_at)}
    return tuple(sorted(latest.values(), key=lambda worker: worker.seen_at, reverse=True))


def _refusal(cause: BaseException) -> Exception:
    if not isinstance(cause, ApplicationError):
        return TemporalUnavailable(str(cause))
    kind = getattr(errors, cause.type or "", errors.Conflict)
    details = cause.details[0] if cause.details and isinstance(cause.details[0], dict) else {}
    return kind(cause.message, **details) if issubclass(kind, errors.Refusal) else errors.Conflict(cause.message)
