"""Statements in the transaction of a stage's change, and the time until a changed flag is served, on SQLite and on PostgreSQL.

`python -m benchmarks.changes` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
One API process answers each change. It is read at once, and a second process until it serves the change.
"""

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import event

from activities.store.database import Database
from activities.store.migrate import migrate
from benchmarks.evaluation import process
from benchmarks.postgresql import database_url, serving
from benchmarks.results import RESULTS, about_this_run, keep, percentile
from tests.activities import acting
from tests.api.evaluation.applications import Application, application, change
from tests.http import OWNER_KEY, Api
from tests.pipelines import pipeline, set_value, stage
from tests.ports import free_port
from tests.world import World, make_world

CHANGES, QUICK = 300, 3
POLL_SECONDS = 0.001


def measure(changes: int) -> dict[str, Any]:
    """Measure on both databases, each a new one."""
    with tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder, serving() as server:
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'flaghoist.db'}", "PostgreSQL": database_url(server)}
        return {"changes": changes, "databases": {name: _on(url, changes) for name, url in urls.items()}}


def _on(url: str, changes: int) -> dict[str, float]:
    database = Database(url)
    migrate(database)
    statements = _statements(make_world(database))
    database.close()
    with ExitStack() as stack:
        answering, other = (_api(stack, url) for _ in range(2))
        return {"statements": statements, **_served(answering, application(answering), application(other), changes)}


def _statements(world: World) -> int:
    """Return the number of statements of the change of a stage that is not the last."""
    stages = (stage(f"Stage {number}", actions=[set_value(f"value {number}")]) for number in range(2))
    world.publish(pipeline(*stages))
    command = acting.command_for(world, world.add())
    sent: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
    acting.change(world, command)
    return len(sent)


def _api(stack: ExitStack, url: str) -> Api:
    port = free_port()
    stack.enter_context(process("api.app", FLAGHOIST_DATABASE_URL=url, FLAGHOIST_PORT=str(port), FLAGHOIST_BOOTSTRAP_KEY=OWNER_KEY))
    api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
    stack.callback(api.close)
    api.wait_until_ready()
    return api


def _served(api: Api, own: Application, other: Application, changes: int) -> dict[str, float]:
    """Return how many answers of the same process were stale, and percentiles of the time until the other one serves a change."""
    stale, took = 0, []
    for number in range(changes):
        value = f"value {number}"
        change(api, {"value": value, "enabled": True})
        answered = time.perf_counter()
        stale += _value(own) != value
        while _value(other) != value:
            time.sleep(POLL_SECONDS)
        took.append((time.perf_counter() - answered) * 1000)
        time.sleep(number * 37 % 200 / 1000)  # Without a pause, each change would come right after a poll of the other process.
    return {"stale": stale, **{f"p{percent}_ms": round(percentile(took, percent), 1) for percent in (50, 99)}}


def _value(app: Application) -> Any:
    return app.evaluate({"targetingKey": "ada"}, "checkout").json().get("value")


def main() -> None:
    """Measure and print, and save the numbers with `--write`."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="measure a few: the numbers mean little")
    options.add_argument("--write", action="store_true", help=f"save the numbers in {RESULTS.name}")
    chosen = options.parse_args()
    about = about_this_run()
    results = measure(QUICK if chosen.quick else CHANGES)
    print(json.dumps(results, indent=2))
    if chosen.write:
        keep("changes", results, about)


if __name__ == "__main__":
    main()
