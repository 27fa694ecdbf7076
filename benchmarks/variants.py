"""Serving flags with variants, compared with the same environment without them, and with Unleash's frontend API, in the same run.

`python -m benchmarks.variants` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import psutil

from activities.store.database import Database
from activities.store.migrate import migrate
from benchmarks.evaluation import fill, process, questions
from benchmarks.load import Question, ask, send
from benchmarks.postgresql import serving
from benchmarks.results import RESULTS, about_this_run, keep
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.unleash.server import PROJECT, UnleashServer, running_unleash
from tests.waiting import wait_until
from tests.world import make_world

FLAGS, WITH_VARIANTS = 100, 20
UNLEASH_ENVIRONMENT = "development"
"""The environment of the frontend token."""


async def measure(folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure both environments by turns, in one API process."""
    url, port = f"sqlite:///{folder / 'flaghoist.db'}", free_port()
    database = Database(url)
    migrate(database)
    world = make_world(database)
    snapshots = {"with": fill(world, FLAGS, "with", WITH_VARIANTS), "without": fill(world, FLAGS, "without")}
    database.close()
    address = f"http://127.0.0.1:{port}"
    asked = {name: questions(address, snapshot)["OFREP bulk"] for name, snapshot in snapshots.items()}
    with (
        process("api.app", FLAGHOIST_DATABASE_URL=url, FLAGHOIST_PORT=str(port), FLAGHOIST_BOOTSTRAP_KEY=OWNER_KEY) as server,
        serving() as postgresql,
        running_unleash(postgresql.url_of("{database}")) as unleash,
    ):
        api = Api(address, OWNER_KEY)
        await asyncio.to_thread(api.wait_until_ready)
        api.close()
        await asyncio.to_thread(_fill, unleash)
        asked["unleash"] = Question("GET", f"{unleash.address}/api/frontend?userId=u1", {"Authorization": unleash.frontend_token})
        await _until_all_are_served(asked["unleash"])
        assert unleash.running
        processes = {"with": server, "without": server, "unleash": psutil.Process(unleash.running.pid)}
        found = [{name: await _measured(processes[name], question, seconds) for name, question in asked.items()} for _ in range(rounds)]
    return {
        "flags": FLAGS,
        "with_variants": WITH_VARIANTS,
        "cpu_ms": {name: _median(found, name, 0) for name in asked},
        "per_second": {name: _median(found, name, 1) for name in asked},
        "ratio": round(statistics.median(each["without"][0] / each["with"][0] for each in found), 2),
        "to_unleash": round(statistics.median(each["with"][1] / each["unleash"][1] for each in found), 2),
        "to_unleash_cpu": round(statistics.median(each["unleash"][0] / each["with"][0] for each in found), 2),
    }


def _fill(unleash: UnleashServer) -> None:
    """Create as many flags in Unleash: one in ten has a rollout, and the last ones serve a variant to half of the users."""
    variant = {"name": "treatment", "weight": 500, "weightType": "fix", "stickiness": "default"}
    for number in range(FLAGS):
        key = f"flag-{number:04}"
        parameters = {"rollout": "50" if number % 10 == 1 else "100", "stickiness": "default", "groupId": key}
        variants: list[dict[str, Any]] = []
        if number >= FLAGS - WITH_VARIANTS:
            control = variant | {"name": "control", "weightType": "variable"}
            variants = [each | {"payload": {"type": "string", "value": f"value of {each['name']}"}} for each in (variant, control)]
        there = f"/api/admin/projects/{PROJECT}/features"
        unleash.call("POST", there, {"name": key})
        environment = f"{there}/{key}/environments/{UNLEASH_ENVIRONMENT}"
        unleash.call("POST", f"{environment}/strategies", {"name": "flexibleRollout", "parameters": parameters, "variants": variants})
        unleash.call("POST", f"{environment}/on")


async def _until_all_are_served(question: Question) -> None:
    """Wait until Unleash's frontend API has noticed the flags. It returns only those that the user gets."""

    async def all_are_served() -> bool:
        [answer] = await send([question], 1)
        return len(json.loads(answer.body)["toggles"]) >= FLAGS * 0.9

    await wait_until("Unleash to serve its flags", all_are_served, interval=1)


def _median(found: list[dict[str, tuple[float, float]]], name: str, of: int) -> float:
    return round(statistics.median(each[name][of] for each in found), 3)


async def _measured(server: psutil.Process, question: Question, seconds: float) -> tuple[float, float]:
    """Return the processor time of the server for each request, in ms, and the requests per second.

    Unlike the rate, the processor time hardly depends on other load.
    """
    before = server.cpu_times()
    measured = await ask(question, seconds)
    after = server.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used * 1_000 / (measured.rate * seconds), measured.rate


def main() -> None:
    """Measure and print, and save the numbers with `--write`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="measure each for a fraction of a second: the numbers mean little")
    options.add_argument("--write", action="store_true", help=f"save the numbers in {RESULTS.name}")
    chosen = options.parse_args()
    about = about_this_run()
    with tempfile.TemporaryDirectory() as directory:
        results = asyncio.run(measure(Path(directory), *((0.3, 1) if chosen.quick else (5, 5))))
    print(results)
    if chosen.write:
        keep("variants", results, about)


if __name__ == "__main__":
    main()
