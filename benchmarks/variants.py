"""Serving flags with variants, compared with the same environment without them in the same run.

`python -m benchmarks.variants` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

import psutil

from activities.store.database import Database
from activities.store.migrate import migrate
from benchmarks.evaluation import fill, process, questions
from benchmarks.load import Question, ask
from benchmarks.results import RESULTS, about_this_run, keep
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.world import make_world

FLAGS, WITH_VARIANTS = 100, 20


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
    with process("api.app", FLAGHOIST_DATABASE_URL=url, FLAGHOIST_PORT=str(port), FLAGHOIST_BOOTSTRAP_KEY=OWNER_KEY) as server:
        api = Api(address, OWNER_KEY)
        await asyncio.to_thread(api.wait_until_ready)
        api.close()
        found = [{name: await _cpu_ms(server, question, seconds) for name, question in asked.items()} for _ in range(rounds)]
    cpu = {name: round(statistics.median(each[name] for each in found), 3) for name in asked}
    ratio = statistics.median(each["without"] / each["with"] for each in found)
    return {"flags": FLAGS, "with_variants": WITH_VARIANTS, "cpu_ms": cpu, "ratio": round(ratio, 2)}


async def _cpu_ms(server: psutil.Process, question: Question, seconds: float) -> float:
    """Return the processor time of the API for each request. Unlike the rate, it hardly depends on other load."""
    before = server.cpu_times()
    measured = await ask(question, seconds)
    after = server.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used * 1_000 / (measured.rate * seconds)


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
