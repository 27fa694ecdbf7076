"""The replay gate: replays every open workflow of the namespace with this code, before this code takes their work."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from workflows.messages import RELEASE, ROLLBACK, WEBHOOK
from workflows.service.client import TemporalUnavailable
from workflows.service.connection import Connection, CredentialsUnreadable
from workflows.service.rejections import explain

OPEN = f'ExecutionStatus = "Running" AND WorkflowType IN ("{RELEASE}", "{ROLLBACK}", "{WEBHOOK}")'


class ReplayFailure(NamedTuple):
    """A workflow that this code can't continue, and why."""

    workflow_id: str
    run_id: str
    error: str


class ReplayReport(NamedTuple):
    """The number of workflows that were replayed, of those that have no history to replay yet, and the failures."""

    replayed: int
    not_begun: int
    failures: list[ReplayFailure]


async def replay_namespace(workflows: Sequence[type], fetches: int, connection: Connection) -> ReplayReport:
    """Replay every open workflow of the namespace in Temporal's environment variables. Raises TemporalUnavailable."""
    try:
        return await replay_open_workflows(await connection.connect(lazy=False), workflows, fetches)
    except (CredentialsUnreadable, RPCError, RuntimeError) as error:
        raise TemporalUnavailable(await explain(error, connection) or str(error)) from error


async def replay_open_workflows(client: Client, workflows: Sequence[type], fetches: int) -> ReplayReport:
    """Replay one workflow after another, while the next histories are fetched. At most `fetches` of them are in memory."""
    runner = UnsandboxedWorkflowRunner()
    replayer = Replayer(workflows=workflows, namespace=client.namespace, data_converter=client.data_converter, workflow_runner=runner)
    histories = _Histories(client, fetches)
    replayed, failures = 0, []
    async with replayer.workflow_replay_iterator(histories.begun()) as results:
        async for result in results:
            replayed += 1
            if result.replay_failure:
                message = str(result.replay_failure).partition("\n")[0]
                failures.append(ReplayFailure(result.history.workflow_id, result.history.run_id, message))
    return ReplayReport(replayed, histories.not_begun, failures)


class _Histories:
    """The histories of open workflows."""

    def __init__(self, client: Client, fetches: int) -> None:
        self.client = client
        self.fetches = fetches
        self.not_begun = 0

    async def begun(self) -> AsyncIterator[WorkflowHistory]:
        """Yield the histories in which a workflow task was completed. Without one there is nothing to replay."""
        async for history in self._fetched():
            if any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in history.events):
                yield history
            else:
                self.not_begun += 1

    async def _fetched(self) -> AsyncIterator[WorkflowHistory]:
        fetching: deque[asyncio.Task[WorkflowHistory | None]] = deque()
        async for execution in self.client.list_workflows(OPEN):
            fetching.append(asyncio.create_task(self._fetch(execution)))
            if len(fetching) == self.fetches and (history := await fetching.popleft()):
                yield history
        while fetching:
            if history := await fetching.popleft():
                yield history

    async def _fetch(self, execution: WorkflowExecution) -> WorkflowHistory | None:
        """Fetch a history, or None if the workflow was deleted since it was listed."""
        try:
            return await self.client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
