"""Serving flags, compared with a FastAPI route that returns the same JSON in the same run, and the memory of an environment.

`python -m benchmarks.evaluation` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.migrate import migrate
from activities.store.snapshots import read_snapshot
from api.evaluation.served_environments import Served
from benchmarks.load import Measured, Question, answer_to, ask
from benchmarks.results import RESULTS, about_this_run, keep
from domain.evaluation.snapshot import Snapshot
from domain.flags.allocation import Share
from domain.flags.flag import FlagState, Override, Rollout
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.world import NOW, World, make_world

SIZES = (10, 100, 1_000)
VARIANTS = [{"key": "one", "value": "one page"}, {"key": "two", "value": "two pages"}]
ALLOCATION = {"one": Share(percent=30), "two": Share(percent=20)}
RULES = [{"type": "ALL", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"}]}]
CONTEXT = {"context": {"targetingKey": "user-17", "plan": "pro", "country": "PT", "age": 30}}
IDENTITY = {"identifier": "user-17", "transient": True, "traits": [{"trait_key": "plan", "trait_value": "pro"}]}


def fill(world: World, size: int, name: str = "flags", allocated: int = 0) -> Snapshot:
    """Write a new project with that many flags: one in ten has a rollout, and one in ten an override.

    The last `allocated` ones serve two variants to shares.
    """
    project, environment, segment = new_id(), new_id(), new_id()
    with world.database.transaction() as store:
        store.projects.insert(NOW, id=project, key=f"{name}-{size}", name="Flags")
        store.environments.insert(NOW, id=environment, project_id=project, key="production", name="Production")
        store.segments.insert(NOW, id=segment, project_id=project, key="pro", name="Pro", rules=RULES)
        for number in range(size):
            state = FlagState(enabled=True, value=f"value of flag {number}")
            if number % 10 == 1:
                state = state.model_copy(update={"rollout": Rollout(percent=50, value="new")})
            if number % 10 == 2:
                state = state.model_copy(update={"overrides": {"pro": Override(enabled=True, value="for pro", priority=0)}})
            if number >= size - allocated:
                state = state.model_copy(update={"allocation": ALLOCATION})
            key = f"flag-{number:04}"
            about = {"id": new_id(), "key": key, "name": key, "description": "", "type": "string", "variants": VARIANTS}
            store.features.insert(NOW, project_id=project, default_state=state.model_dump(mode="json"), **about)
    with world.database.reading() as store:
        snapshot = read_snapshot(store, environment)
    assert snapshot
    return snapshot


def memory(database: Database, snapshot: Snapshot) -> int:
    """Return the bytes that the environment takes in each API process."""
    tracemalloc.start()
    with database.reading() as store:
        read = read_snapshot(store, snapshot.environment.id)
    assert read
    served = Served(read)
    assert served.document
    assert served.for_flagsmith
    assert served.for_ofrep
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size


def questions(address: str, snapshot: Snapshot) -> dict[str, Question]:
    """Return the requests of applications, by name."""
    key = snapshot.keys.client_key
    api = f"{address}/flagsmith/api/v1"
    return {
        "OFREP bulk": Question("POST", f"{address}/ofrep/v1/evaluate/flags", {"X-API-Key": key}, json.dumps(CONTEXT).encode()),
        "flags/": Question("GET", f"{api}/flags/", {"X-Environment-Key": key}),
        "identities/": Question("POST", f"{api}/identities/", {"X-Environment-Key": key}, json.dumps(IDENTITY).encode()),
    }


def compare(rounds: list[tuple[Measured, Measured]]) -> dict[str, float]:
    """Return the medians of all rounds."""
    ours, baseline = [ours for ours, _ in rounds], [baseline for _, baseline in rounds]
    return {
        "per_second": round(statistics.median(each.rate for each in ours), 1),
        "median_ms": round(statistics.median(each.median for each in ours), 2),
        "p99_ms": round(statistics.median(each.p99 for each in ours), 2),
        "baseline_per_second": round(statistics.median(each.rate for each in baseline), 1),
        "ratio": round(statistics.median(one.rate / other.rate for one, other in rounds), 2),
    }


@contextmanager
def process(*command: str, **environment: str) -> Iterator[psutil.Process]:
    """Run a Python module as a server until the block ends."""
    running = subprocess.Popen([sys.executable, "-m", *command], env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(running.pid)
    finally:
        running.kill()
        running.wait()


async def first_answer(question: Question) -> bytes:
    """Return the first answer of a server that is starting."""
    while True:
        try:
            return await answer_to(question)
        except OSError:
            await asyncio.sleep(0.05)


async def measure(folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure everything, product and baseline by turns."""
    url = f"sqlite:///{folder / 'flaghoist.db'}"
    database = Database(url)
    migrate(database)
    world = make_world(database)
    snapshots = {size: fill(world, size) for size in SIZES}
    results: dict[str, Any] = {"memory_bytes": {str(size): memory(database, snapshot) for size, snapshot in snapshots.items()}}
    database.close()
    port, baseline_port = free_port(), free_port()
    address, baseline_address = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{baseline_port}"
    requests = {f"{name} {size}": each for size, snapshot in snapshots.items() for name, each in questions(address, snapshot).items()}
    with process("api.app", FLAGHOIST_DATABASE_URL=url, FLAGHOIST_PORT=str(port), FLAGHOIST_BOOTSTRAP_KEY=OWNER_KEY):
        api = Api(address, OWNER_KEY)
        await asyncio.to_thread(api.wait_until_ready)
        api.close()
        contents = {name.replace(" ", "-").replace("/", ""): json.loads(await answer_to(each)) for name, each in requests.items()}
        (folder / "contents.json").write_text(json.dumps(contents))
        with process("benchmarks.baseline_route", str(folder / "contents.json"), str(baseline_port)):
            for name, question in requests.items():
                baseline = question._replace(url=f"{baseline_address}/{name.replace(' ', '-').replace('/', '')}", headers={})
                await first_answer(baseline)
                both = [(await ask(question, seconds), await ask(baseline, seconds)) for _ in range(rounds)]
                results[name] = compare(both)
                print(f"{name:17} {results[name]}", flush=True)
    return results


def main() -> None:
    """Measure and print, and save the numbers with `--write`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="measure each for a fraction of a second: the numbers mean little")
    options.add_argument("--write", action="store_true", help=f"save the numbers in {RESULTS.name}")
    chosen = options.parse_args()
    about = about_this_run()
    with tempfile.TemporaryDirectory() as directory:
        results = asyncio.run(measure(Path(directory), *((0.3, 1) if chosen.quick else (5, 3))))
    print(f"memory per environment, in bytes: {results['memory_bytes']}")
    if chosen.write:
        keep("evaluation", results, about)


if __name__ == "__main__":
    main()
