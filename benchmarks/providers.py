"""Stages per second through Unleash, compared with flags that are kept here, and the time to list a thousand features of Unleash.

`python -m benchmarks.providers` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from activities.store.identifiers import new_id
from benchmarks.load import Question, send
from benchmarks.postgresql import serving
from benchmarks.results import percentile, spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import CLIENTS, Stack, running
from benchmarks.workloads import until_closed_ids, until_due, until_started
from tests.http import OWNER_KEY
from tests.pipelines import pipeline, stage, until
from tests.unleash.server import PROJECT, UnleashServer, running_unleash

HERE, THERE = "here", "unleash"
"""The two projects that take turns."""
ENVIRONMENTS = {"development": "development", "production": "production"}
STAGES = len(ENVIRONMENTS)
CALLS = 8
"""The most calls to Unleash at the same time."""
ROUNDS = 3
TURNS = 2 * ROUNDS + 1
_numbers = count(1)


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Measure on a stack of its own beside an Unleash, and end the other one."""
    stack.kill()
    number, rounds, listed = scale.pick((2, 1, 20), (120, ROUNDS, 1_000), (300, ROUNDS, 1_000))
    with (
        serving() as server,
        running_unleash(server.url_of("{database}")) as unleash,
        tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder,
    ):
        async with running(Path(folder)) as own:
            projects = await asyncio.to_thread(_Projects, own, unleash)
            rates: dict[str, list[float]] = {HERE: [], THERE: []}
            for n in range(rounds):
                for project in (HERE, THERE):
                    turn(f"round {n + 1}, {project}")
                    rates[project].append(await projects.climb(project, number))
            turn(f"listing {listed:,} features")
            seconds = await projects.list_features(listed, scale.pick(3, 100, 100))
    return {
        "releases": number,
        "rounds": rounds,
        "calls": CALLS,
        "per_second": {project: spread(each, 1) for project, each in rates.items()},
        "ratio": spread([there / here for here, there in zip(rates[HERE], rates[THERE], strict=True)]),
        "listed": listed,
        "list_p50_ms": round(percentile(seconds, 50) * 1000, 1),
        "list_p99_ms": round(percentile(seconds, 99) * 1000, 1),
    }


class _Projects:
    """A project whose flags are kept here, and one whose flags are kept in Unleash, with the same pipeline."""

    def __init__(self, stack: Stack, unleash: UnleashServer) -> None:
        self.stack = stack
        self.unleash = unleash
        connection = {"kind": "unleash", "address": unleash.address, "credential": unleash.admin_token, "calls": CALLS}
        for project in (HERE, THERE):
            asyncio.run(self._ask("POST", "/projects", [{"key": project}]))
        environments = [{"key": each} for each in ENVIRONMENTS]
        asyncio.run(self._ask("POST", f"/projects/{HERE}/environments", environments))
        asyncio.run(self._ask("PUT", f"/projects/{THERE}/connection", [connection | {"environments": ENVIRONMENTS}]))
        at_launch = {"trigger": until(parameter="launch_at")}
        stages = [stage("First", "development") | at_launch, stage("Second", "production")]
        definition = pipeline(*stages, key="climb", parameters={"launch_at": {"type": "datetime"}})
        for project in (HERE, THERE):
            asyncio.run(self._ask("POST", f"/projects/{project}/pipelines", [definition]))
            asyncio.run(self._ask("POST", f"/projects/{project}/pipelines/climb/publish", [{}]))

    async def climb(self, project: str, number: int) -> float:
        """Return the stages per second of releases that are due at once."""
        features = await asyncio.to_thread(self._new_features, project, number)
        due = (datetime.now(UTC) + timedelta(seconds=3 + 0.15 * number)).replace(microsecond=0)
        bodies: list[dict[str, Any]] = [
            {"pipeline": "climb", "feature": each, "parameters": {"launch_at": due.isoformat()}} for each in features
        ]
        added = await self._ask("POST", f"/projects/{project}/releases", bodies)
        await until_started(self.stack)
        began = await until_due(due)
        await until_closed_ids(self.stack, [each["workflow_id"] for each in added])
        return number * STAGES / (time.perf_counter() - began)

    async def list_features(self, number: int, times: int) -> list[float]:
        """Return the seconds of each answer with a page of the features, of which Unleash has that many."""
        await asyncio.to_thread(self._new_features, THERE, number)
        await asyncio.sleep(11)  # Older than a list that counts as current.
        await self._ask("GET", f"/projects/{THERE}/features?limit=50", [None])
        asked = Question("GET", f"{self.stack.address}/api/v1/projects/{THERE}/features?limit=50", _headers(), b"")
        return [each.seconds for each in await send([asked] * times, 1)]

    def _new_features(self, project: str, number: int) -> list[str]:
        keys = [f"flag-{next(_numbers)}" for _ in range(number)]
        if project == THERE:
            for key in keys:
                self.unleash.call("POST", f"/api/admin/projects/{PROJECT}/features", {"name": key})
            return keys
        with self.stack.database.transaction() as store:
            owner = store.projects.get(project)
            for key in keys:
                about = {"id": new_id(), "key": key, "name": key, "description": "", "type": "toggle"}
                store.features.insert(datetime.now(UTC), project_id=owner.id, default_state={"enabled": False}, **about)
        return keys

    async def _ask(self, method: str, path: str, bodies: list[Any]) -> list[Any]:
        url = f"{self.stack.address}/api/v1{path}"
        questions = [Question(method, url, _headers(), b"" if body is None else json.dumps(body).encode()) for body in bodies]
        answers = await send(questions, CLIENTS)
        return [json.loads(each.body or b"null") for each in answers]


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {OWNER_KEY}"}


if __name__ == "__main__":
    main({"providers": (measure, TURNS)}, __doc__)
