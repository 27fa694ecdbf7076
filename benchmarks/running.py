"""Runs benchmarks from a terminal, each on a fresh stack and with a progress bar."""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.results import RESULTS, about_this_run, keep
from benchmarks.stack import Stack, running
from process_exit import run as run_and_leave

T = TypeVar("T")


class Scale(Enum):
    """The size of a run. Quick only checks that it works, all short benchmarks take ten minutes, and long ones half an hour."""

    QUICK = 0
    SHORT = 1
    LONG = 2

    def pick(self, quick: T, short: T, long: T) -> T:
        """Return the value for this scale."""
        return (quick, short, long)[self.value]


Turn = Callable[[str], None]
"""Called before each turn of product or baseline."""
Bench = Callable[[Stack, Scale, Turn], Coroutine[Any, Any, dict[str, Any]]]
"""Measures on a stack, at a scale."""


@contextmanager
def shown(name: str, turns: int | None) -> Iterator[Turn]:
    """Show a bar that moves with each turn."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(name, total=turns)
        started = iter([True])

        def turn(what: str) -> None:
            progress.update(task, description=f"{name}: {what}", advance=0 if next(started, False) else 1)

        yield turn
        progress.update(task, description=name, completed=turns)


async def measure(name: str, bench: Bench, turns: int, scale: Scale) -> dict[str, Any]:
    """Run one benchmark on a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder, shown(name, turns) as turn:
        async with running(Path(folder)) as stack:
            return await bench(stack, scale, turn)


def main(benches: Mapping[str, tuple[Bench, int]], description: str | None) -> None:
    """Measure and print, and save the numbers with `--write`."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--quick", action="store_const", dest="scale", const=Scale.QUICK, help="measure a few: the numbers mean little")
    options.add_argument("--long", action="store_const", dest="scale", const=Scale.LONG, help="measure more of each")
    options.set_defaults(scale=Scale.SHORT)
    options.add_argument("--write", action="store_true", help=f"save the numbers in {RESULTS.name}")
    chosen = options.parse_args()

    def work() -> int:
        for name, (bench, turns) in benches.items():
            about = about_this_run()
            results = asyncio.run(measure(name, bench, turns, chosen.scale))
            print(json.dumps({name: results}, indent=2), flush=True)
            if chosen.write:
                keep(name, results, about)
        return 0

    run_and_leave(work)
