"""Full collections of garbage in the API, with the objects of its imports set aside as `flaghoist api` does, and without.

`python -m benchmarks.pauses` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
The API runs in this process, so that its collections can be timed.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from activities.store.database import Database
from activities.store.migrate import migrate
from benchmarks.results import percentile, spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from tests.conftest import serve_without_temporal
from tests.http import Api

ROUNDS = 3
KINDS = {"set aside": True, "looked at each time": False}
TURNS = ROUNDS * len(KINDS)
FULL = 2
"""The generation of a full collection."""


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Alternate between both, with requests that read and write."""
    stack.kill()  # Its processes would share the processors with the API that is measured.
    rounds, requests = scale.pick((1, 30), (ROUNDS, 1_500), (ROUNDS, 4_500))
    measured: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    with serving() as api:
        for n in range(rounds):
            for kind, is_frozen in KINDS.items():
                turn(f"round {n + 1}, {kind}")
                (gc.freeze if is_frozen else gc.unfreeze)()
                measured[kind].append(_requests(api, requests))
    gc.unfreeze()
    return {"requests": requests, "rounds": rounds, "kinds": {kind: _summary(each) for kind, each in measured.items()}}


@contextmanager
def serving() -> Iterator[Api]:
    """An API with a project, in this process, without log lines."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with TemporaryDirectory(prefix="flaghoist-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'flaghoist.db'}"
        database = Database(url)
        migrate(database)
        database.close()
        for api in serve_without_temporal(url):
            api.make_project()
            yield api


_numbers = count(1)


def _requests(api: Api, number: int) -> dict[str, float]:
    """Send requests one after another, and time each, and each full collection meanwhile."""
    seconds, pauses = [], [0.0]
    began = 0.0

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        elif info["generation"] == FULL:
            pauses.append(time.perf_counter() - began)

    gc.callbacks.append(note)
    for n in range(number):
        asked = time.perf_counter()
        if n % 3:
            api.get("/projects/shop/features", limit=50)
        else:
            api.post("/projects/shop/features", {"key": f"flag-{next(_numbers)}"})
        seconds.append(time.perf_counter() - asked)
    gc.callbacks.remove(note)
    return {
        "collections": len(pauses) - 1,
        "longest_ms": max(pauses) * 1000,
        "p50_ms": percentile(seconds, 50) * 1000,
        "slowest_ms": max(seconds) * 1000,
    }


def _summary(rounds: list[dict[str, float]]) -> dict[str, Any]:
    figures = {name: spread([each[name] for each in rounds], 1) for name in ("longest_ms", "p50_ms", "slowest_ms")}
    return figures | {"collections": int(sum(each["collections"] for each in rounds))}


if __name__ == "__main__":
    main({"pauses": (measure, TURNS)}, __doc__)
