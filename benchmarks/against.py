"""Benchmarks of two builds, by turns: each checkout measures itself, with the packages of this environment.

.venv/bin/python -m benchmarks.against /path/to/another/checkout costs adding

`costs` takes about four minutes per build and round, and `costs_on_postgresql`, which measures only stages that are due at once, two.
`--write` saves their numbers in benchmarks/results.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.postgresql import database_url, serving
from benchmarks.results import about_this_run, keep

ROOT = Path(__file__).parents[1]
COSTS, ON_POSTGRESQL = "costs", "costs_on_postgresql"
BENCHES = (COSTS, ON_POSTGRESQL, "stages", "lateness", "adding", "recovery")
TIMEOUT_SECONDS = 1800


def measure(checkout: Path, bench: str, *, quick: bool) -> dict[str, float]:
    """Return every number that the checkout's own benchmark prints, by its path."""
    if bench != ON_POSTGRESQL:
        return _run(checkout, bench, ["--quick"] if quick else [])
    with serving() as server:
        options = ["--at-once-only", *(["--quick"] if quick else [])]
        return _run(checkout, COSTS, options, FLAGHOIST_DATABASE_URL=database_url(server))


def _run(checkout: Path, bench: str, options: list[str], **settings: str) -> dict[str, float]:
    costs = str(Path(__file__).with_name("release_costs.py"))  # The checkout's code, but not its file.
    command = [sys.executable, "-P", *([costs] if bench == COSTS else ["-m", f"benchmarks.{bench}"]), *options]
    environment = os.environ | {"PYTHONPATH": str(checkout)} | settings
    done = subprocess.run(command, env=environment, cwd=checkout, check=True, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_SECONDS)
    # The progress bar comes before the results, which begin at the first line with nothing but a brace.
    return dict(numbers(json.loads(done.stdout[done.stdout.index("\n{\n") :])))


def numbers(results: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, float]]:
    """Yield each number with its path. Of several rounds it is the median."""
    if isinstance(results, dict):
        for name, value in results.items():
            if name not in ("least", "most"):
                yield from numbers(value, path if name == "median" else (*path, name))
    elif isinstance(results, list):
        for number, value in enumerate(results):
            yield from numbers(value, (*path, str(number)))
    elif isinstance(results, int | float):
        yield " ".join(path), float(results)


def main() -> None:
    """Print the medians of both builds, and the ratio of their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout of another build")
    parser.add_argument("benches", nargs="*", default=BENCHES, choices=BENCHES, help="what to measure; by default everything")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="save the figures of `costs` and `costs_on_postgresql`")
    parser.add_argument("--quick", action="store_true", help="measure a few of each, once: the numbers mean little")
    options = parser.parse_args()
    about = about_this_run()
    for bench in options.benches:
        ours, others = [], []
        for _ in range(options.rounds):
            others.append(measure(options.other, bench, quick=options.quick))
            ours.append(measure(ROOT, bench, quick=options.quick))
        print(f"\n| {bench} | other | this | ratio |\n|---|---:|---:|---:|")
        figures = {name: compare([each[name] for each in others], [each[name] for each in ours]) for name in ours[0] if name in others[0]}
        for name, each in figures.items():
            print(f"| {name} | {each['other']:g} | {each['this']:g} | {each['ratio']:.2f} |", flush=True)
        if options.write and bench in (COSTS, ON_POSTGRESQL):
            keep(bench, {"other": commit_of(options.other), "rounds": options.rounds, "figures": figures}, about)


def compare(other: list[float], this: list[float]) -> dict[str, float]:
    """Return the medians of both builds, and the ratio of their medians."""
    old, new = statistics.median(other), statistics.median(this)
    return {"other": round(old, 2), "this": round(new, 2), "ratio": round(new / old, 2) if old else 0}


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
