"""The time that `flaghoist` takes for short commands, compared with another build run by turns.

.venv/bin/python -m benchmarks.startup /path/to/other/.venv/bin/flaghoist
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.http import OWNER_KEY, Api
from tests.ports import free_port

COMMANDS = ("--help", "--version", "releases list --project shop")
MAX_RUNS = 50
TIMEOUT_SECONDS = 60


class Cost(NamedTuple):
    """The seconds that one process took."""

    wall: float
    cpu: float


def measure(program: Path, words: list[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end. Its exit code is not checked: an older build may lack an option."""
    started = time.perf_counter()
    process = subprocess.Popen([program, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)


@contextmanager
def running_api(folder: Path) -> Iterator[dict[str, str]]:
    """Run an API on a SQLite file of its own, with an empty project. Yield the environment for commands that call it."""
    flaghoist = Path(sys.executable).parent / "flaghoist"
    port = free_port()
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLAGHOIST_", "TEMPORAL_"))}
    server = plain | {
        "FLAGHOIST_HOME": str(folder),
        "FLAGHOIST_PORT": str(port),
        "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    subprocess.run([flaghoist, "migrate"], env=server, check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS)
    with (folder / "api.log").open("wb") as log, subprocess.Popen([flaghoist, "api"], env=server, stdout=log, stderr=log) as process:
        try:
            api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
            api.wait_until_ready()
            api.post("/projects", {"key": "shop"})
            api.close()
            yield plain | {"FLAGHOIST_URL": f"http://127.0.0.1:{port}", "FLAGHOIST_KEY": OWNER_KEY}
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)


def compare(ours: Path, other: Path, words: list[str], environment: dict[str, str], runs: int) -> tuple[Cost, Cost]:
    """Return the medians of both builds, run by turns after one run each that fills the caches."""
    costs: dict[Path, list[Cost]] = {other: [], ours: []}
    for turn in range(runs + 1):
        for program, measured in costs.items():
            cost = measure(program, words, environment)
            if turn:
                measured.append(cost)
    medians = [Cost(*(statistics.median(column) for column in zip(*measured, strict=True))) for measured in costs.values()]
    return medians[1], medians[0]


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="the `flaghoist` of another build")
    parser.add_argument("--runs", type=int, default=5, choices=range(1, MAX_RUNS + 1), metavar=f"1-{MAX_RUNS}")
    options = parser.parse_args()
    ours = Path(sys.executable).parent / "flaghoist"
    print("| command | other wall | wall | ratio | other CPU | CPU | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, running_api(Path(folder)) as environment:
        for command in COMMANDS:
            new, old = compare(ours, options.other, command.split(), environment, options.runs)
            cells = [f"{old.wall:.3f} s", f"{new.wall:.3f} s", f"{new.wall / old.wall:.2f}"]
            cells += [f"{old.cpu:.3f} s", f"{new.cpu:.3f} s", f"{new.cpu / old.cpu:.2f}"]
            print(f"| `flaghoist {command}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
