"""The workloads that are compared: releases, and baseline workflows with the same timers. Both sleep until they are due."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import NamedTuple

from activities.commands.add_release import AddRelease, add_release
from activities.messages import ChangeFlag
from activities.store.identifiers import new_id
from benchmarks.baseline_workflow import BASELINE_QUEUE, NOTHING, SAME_TRANSACTION, BaselineInput, BaselineWorkflow
from benchmarks.load import Answered, Question, send
from benchmarks.stack import CLIENTS, Stack, time_each
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from tests.http import OWNER_KEY
from tests.pipelines import pipeline, set_value, stage, until
from workflows.messages import release_input
from workflows.release_steps import change_command, initial_place, place_after_change

RELEASES = "releases"
ACTIVITIES = {"same transaction": SAME_TRANSACTION, "nothing": NOTHING}
"""The activity of each baseline."""
EVENTS_WHEN_ASLEEP = 5
"""The start, a workflow task in three events, and the timer."""
ENVIRONMENTS = ("development", "staging", "production")
_numbers = count(1)


class Asleep(NamedTuple):
    """A workflow that waits until it is due, and the release whose flag it changes then."""

    workflow_id: str
    release: str
    due_at: datetime


class Workloads:
    """Puts releases and baseline workflows to sleep, and learns how long that takes."""

    def __init__(self, stack: Stack, stages: int, margin: float) -> None:
        self.stack = stack
        self.margin = margin
        self._seconds_each: dict[str, float] = {}
        self.key = f"climb-{next(_numbers)}"
        at_launch = until(parameter="launch_at")
        climb = [
            stage(f"Stage {number}", ENVIRONMENTS[number % 3], actions=[set_value(f"value {number}")])
            | ({} if number else {"trigger": at_launch})
            for number in range(stages)
        ]
        stack.world.publish(pipeline(*climb, key=self.key, parameters={"launch_at": {"type": "datetime"}}))

    async def put_to_sleep(self, workload: str, offsets: list[timedelta]) -> tuple[datetime, list[Asleep]]:
        """Put one to sleep for each offset, and return when the first is due. Start again if that took too long."""
        while True:
            began = time.perf_counter()
            lead = len(offsets) * self._seconds_each.get(workload, 0.07) * 1.4 + self.margin
            due = (datetime.now(UTC) + timedelta(seconds=lead + 0.5)).replace(microsecond=0)
            dues = [due + offset for offset in offsets]
            asleep = await (self.add(dues) if workload == RELEASES else self.start_baseline(dues, ACTIVITIES[workload]))
            await _until_asleep(self.stack, asleep)
            self._seconds_each[workload] = (time.perf_counter() - began) / len(offsets)
            if datetime.now(UTC) < due:
                return due, asleep
            await until_closed(self.stack, asleep)

    async def add(self, dues: list[datetime]) -> list[Asleep]:
        """Add releases that act at those times over HTTP, and return once their workflows have started."""
        features = new_features(self.stack, len(dues))
        bodies = [self._message(feature, due) for feature, due in zip(features, dues, strict=True)]
        answers = await send_adds(self.stack, [body.model_dump(mode="json", exclude_none=True) for body in bodies], CLIENTS)
        await until_started(self.stack)
        added = [json.loads(answer.body) for answer in answers]
        return [Asleep(each["workflow_id"], each["id"], due) for each, due in zip(added, dues, strict=True)]

    async def start_baseline(self, dues: list[datetime], activity: str = SAME_TRANSACTION) -> list[Asleep]:
        """Start baseline workflows that run the activity at those times, each for a release of its own."""
        features = new_features(self.stack, len(dues))
        rows = await asyncio.to_thread(self._write, [self._message(*each) for each in zip(features, dues, strict=True)], activity)
        messages = [BaselineInput(due_at=due, activity=activity, commands=commands) for (_, commands), due in zip(rows, dues, strict=True)]
        ids = [release.workflow_id for release, _ in rows]
        await start_baseline(self.stack, dict(zip(ids, messages, strict=True)), CLIENTS)
        return [Asleep(release.workflow_id, release.id, due) for (release, _), due in zip(rows, dues, strict=True)]

    def _message(self, feature: str, due: datetime) -> AddRelease:
        return AddRelease(pipeline=self.key, feature=feature, parameters={"launch_at": due.isoformat()})

    def _write(self, messages: list[AddRelease], activity: str) -> list[tuple[Release, tuple[ChangeFlag, ...]]]:
        """Write the rows of releases whose workflows have started. If no activity will change them, end them at once."""
        world, at = self.stack.world, datetime.now(UTC)
        with world.database.transaction() as store:
            rows = [add_release(store, world.caller, world.project, each, at) for each in messages]
            for entry in store.outbox.lease(at, len(rows)):
                store.outbox.delete(entry)
            version = store.pipelines.version(rows[0].pipeline.id)
            for row in rows:
                if activity == SAME_TRANSACTION:
                    trigger = release_input(row, version).stages[0].trigger
                    store.releases.write_started(row.started(at, trigger.due_at(at)))
                else:
                    store.releases.write(row.ended(ReleaseStatus.REMOVED, at, "baseline"))
        return [(row, _commands(row, version, at)) for row in rows]


def _commands(release: Release, version: object, at: datetime) -> tuple[ChangeFlag, ...]:
    """Return the commands that the release's workflow would send, stage by stage."""
    message = release_input(release, version)  # type: ignore[arg-type]
    place, commands = initial_place(message, at), []
    while place:
        command = change_command(message, place, at)
        commands.append(command)
        place = place_after_change(message, place, at, command.sequence + 1)  # type: ignore[assignment]
    return tuple(commands)


def new_features(stack: Stack, number: int) -> list[str]:
    """Write that many flags, and return their keys."""
    keys = [f"flag-{next(_numbers)}" for _ in range(number)]
    with stack.database.transaction() as store:
        for key in keys:
            about = {"id": new_id(), "key": key, "name": key, "description": "", "type": "string"}
            state = {"enabled": False, "value": "classic", "overrides": {}}
            store.features.insert(datetime.now(UTC), project_id=stack.world.project.id, default_state=state, **about)
    return keys


async def send_adds(stack: Stack, bodies: list[dict[str, object]], clients: int) -> list[Answered]:
    """Add releases over HTTP."""
    url, headers = f"{stack.address}/api/v1/projects/shop/releases", {"Authorization": f"Bearer {OWNER_KEY}"}
    return await send([Question("POST", url, headers, json.dumps(body).encode()) for body in bodies], clients)


async def start_baseline(stack: Stack, messages: dict[str, BaselineInput], clients: int) -> list[float]:
    """Start baseline workflows by id, and return the seconds that each took."""
    start = partial(stack.client.start_workflow, BaselineWorkflow.run, task_queue=BASELINE_QUEUE)
    return await time_each([partial(start, message, id=id_) for id_, message in messages.items()], clients)


async def until_started(stack: Stack) -> None:
    """Return once the workflow of every release has started."""
    while True:
        with stack.database.reading() as store:
            if not store.releases.count_by_status().get(ReleaseStatus.STARTING.value):
                return
        await asyncio.sleep(0.05)


async def _until_asleep(stack: Stack, workflows: list[Asleep]) -> None:
    """Return once the workflows that were started last have set their timers."""
    for each in workflows[-CLIENTS:]:
        handle = stack.client.get_workflow_handle(each.workflow_id)
        while (await handle.describe()).history_length < EVENTS_WHEN_ASLEEP:  # noqa: ASYNC110  another process acts
            await asyncio.sleep(0.05)


async def until_due(due: datetime) -> float:
    """Sleep until then, and return that moment by `perf_counter`."""
    await asyncio.sleep(max(0, (due - datetime.now(UTC)).total_seconds()))
    return time.perf_counter()


async def until_closed(stack: Stack, workflows: list[Asleep]) -> None:
    """Return once all workflows have ended."""
    await until_closed_ids(stack, [each.workflow_id for each in workflows])


async def until_closed_ids(stack: Stack, workflow_ids: list[str]) -> None:
    """Return once the workflows with these ids have ended."""
    for each in workflow_ids:
        await stack.client.get_workflow_handle(each).result()
