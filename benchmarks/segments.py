"""Evaluating segments, compared with another version of Flaghoist in the same run.

`python -m benchmarks.segments --base FOLDER` asks an API process of this clone and one of the clone in FOLDER by turns. Each has 100 flags
and 20 segments. It prints the processor time per request of this version, divided by the other's: that hardly depends on other load.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.migrate import migrate
from activities.store.snapshots import read_snapshot
from benchmarks.evaluation import questions
from benchmarks.load import Question, ask
from domain.evaluation.snapshot import Snapshot
from domain.flags.flag import FlagState, Override
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.world import NOW, make_world

FLAGS = 100
CONDITIONS = (
    ("plan", "EQUAL", "pro"),
    ("plan", "NOT_EQUAL", "free"),
    ("plan", "IN", "team,pro"),
    ("country", "IN", "PT,ES,FR"),
    ("country", "NOT_CONTAINS", "P"),
    ("age", "GREATER_THAN", "17"),
    ("age", "LESS_THAN_INCLUSIVE", "64.5"),
    ("age", "EQUAL", "30"),
    ("country", "REGEX", "P[A-Z]$"),
    ("plan", "IS_SET", None),
)
SEGMENTS = 2 * len(CONDITIONS)


class Version(NamedTuple):
    """An API process of one version."""

    name: str
    process: psutil.Process
    requests: dict[str, Question]


def fill(database: Database) -> Snapshot:
    """Write a project with its flags. One in five has an override for a segment of its own."""
    project, environment = new_id(), new_id()
    with make_world(database).database.transaction() as store:
        store.projects.insert(NOW, id=project, key="segments", name="Segments")
        store.environments.insert(NOW, id=environment, project_id=project, key="production", name="Production")
        for number in range(SEGMENTS):
            trait, operator, value = CONDITIONS[number % len(CONDITIONS)]
            rules = [{"type": "ALL", "rules": [], "conditions": [{"property": trait, "operator": operator, "value": value}]}]
            store.segments.insert(NOW, id=new_id(), project_id=project, key=f"segment-{number:02}", name="Segment", rules=rules)
        for number in range(FLAGS):
            state = FlagState(enabled=True, value=f"value of flag {number}")
            if number < SEGMENTS:
                override = Override(enabled=True, value="for the segment", priority=0)
                state = state.model_copy(update={"overrides": {f"segment-{number:02}": override}})
            about = {"id": new_id(), "key": f"flag-{number:04}", "name": "Flag", "description": "", "type": "string"}
            store.features.insert(NOW, project_id=project, default_state=state.model_dump(mode="json"), **about)
    with database.reading() as store:
        snapshot = read_snapshot(store, environment)
    assert snapshot
    return snapshot


@contextmanager
def serving(name: str, clone: Path, url: str, snapshot: Snapshot) -> Iterator[Version]:
    """Run the API of a clone until the block ends."""
    port = free_port()
    environment = os.environ | {"FLAGHOIST_DATABASE_URL": url, "FLAGHOIST_PORT": str(port), "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY}
    with subprocess.Popen([sys.executable, "-m", "api.app"], cwd=clone, env=environment, stderr=subprocess.DEVNULL) as process:
        api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
        try:
            api.wait_until_ready()
            asked = questions(api.address, snapshot)
            yield Version(name, psutil.Process(process.pid), {each: asked[each] for each in ("OFREP bulk", "identities/")})
        finally:
            api.close()
            process.kill()


async def processor_time(version: Version, name: str, seconds: float) -> float:
    """Return the processor time of one request, in ms."""
    before = sum(version.process.cpu_times()[:2])
    measured = await ask(version.requests[name], seconds)
    return 1_000 * (sum(version.process.cpu_times()[:2]) - before) / (measured.rate * seconds)


async def compare(new: Version, base: Version, seconds: float, rounds: int) -> None:
    """Ask both versions by turns, each first as often as the other, and print the medians."""
    for name in new.requests:
        times: dict[str, list[float]] = {new.name: [], base.name: []}
        for number in range(rounds):
            for version in (new, base) if number % 2 else (base, new):
                times[version.name].append(await processor_time(version, name, seconds))
        ratios = [ours / theirs for ours, theirs in zip(times[new.name], times[base.name], strict=True)]
        medians = {version: round(statistics.median(each), 3) for version, each in times.items()}
        spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
        print(f"{name:12} ms per request {json.dumps(medians)}, ratio {statistics.median(ratios):.3f} ({spread})", flush=True)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--base", type=Path, required=True, help="a clone of the version to compare with")
    options.add_argument("--seconds", type=float, default=2, help="the time of each measurement")
    options.add_argument("--rounds", type=int, default=11)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'flaghoist.db'}"
        database = Database(url)
        migrate(database)
        snapshot = fill(database)
        database.close()
        with serving("new", Path.cwd(), url, snapshot) as new, serving("base", chosen.base, url, snapshot) as base:
            asyncio.run(compare(new, base, chosen.seconds, chosen.rounds))
    print(f"load of the machine: {os.getloadavg()}")


if __name__ == "__main__":
    main()
