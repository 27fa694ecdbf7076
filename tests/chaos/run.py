"""The long form: one run after another, each of another seed, and a table of what they survived."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from process_exit import exit_process
from tests.chaos.databases import Breakable, PostgresqlServer, SqliteFile
from tests.chaos.endurance import Outcome, Size, endure
from tests.chaos.environment import faketime
from tests.chaos.faults import FULL, REFUSE, STALL

PATIENCE = 180
"""Seconds in which something must move: tries are at most a minute apart, and a busy machine is no defect."""

HEADINGS = ("seed", "database", "kills", "stalls", "refusals", "full disks", "releases", "changes", "at rest after", "wrong")


def main(
    seed: Annotated[list[int], typer.Option(help="What is drawn; may be given more than once.")] = [1, 2, 3, 4, 5],  # noqa: B006
    releases: Annotated[int, typer.Option(help="How many releases climb in each run.")] = 200,
    seconds: Annotated[float, typer.Option(help="How long everything fails in each run.")] = 120,
    database: Annotated[str, typer.Option(help="sqlite or postgresql; without it, even seeds run on PostgreSQL.")] = "",
    keep: Annotated[Path | None, typer.Option(help="Where what the runs leave behind is kept.")] = None,
) -> None:
    """Let releases climb while everything fails, and judge what is left."""
    console = Console(highlight=False, soft_wrap=True)
    faketime()
    root = keep or Path(tempfile.mkdtemp(prefix="flaghoist-chaos-"))
    outcomes = dict[tuple[int, str], Outcome]()
    for each in seed:
        system = database or ("sqlite" if each % 2 else "postgresql")
        outcomes[each, system] = _run(console, root / str(each), system, Size(each, releases, seconds, PATIENCE, skew=True))
    _print_table(console, outcomes)
    wrong = sum(len(outcome.wrong) for outcome in outcomes.values())
    console.print(f"wrong: {wrong}; " + (f"what is left behind is in {root}" if wrong or keep else "nothing is kept"), markup=False)
    if not (wrong or keep):
        shutil.rmtree(root)
    exit_process(1 if wrong else 0)


def _run(console: Console, folder: Path, system: str, size: Size) -> Outcome:
    folder.mkdir(parents=True)
    chosen: Breakable = PostgresqlServer() if system == "postgresql" else SqliteFile(folder)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(f"seed {size.seed} on {system}", total=size.seconds)

        def tell(passed: float, what: str) -> None:
            progress.update(task, completed=passed)
            if what:
                progress.console.print(f"{passed:6.1f} s  {what}", markup=False)

        outcome = endure(folder, chosen, size, tell)
    for each in outcome.wrong:
        console.print(f"WRONG {each}", markup=False)
    console.print(f"seed {size.seed} on {system}: answers {outcome.answers}; wrong: {len(outcome.wrong)}", markup=False)
    chosen.forget()
    return outcome


def _print_table(console: Console, outcomes: dict[tuple[int, str], Outcome]) -> None:
    """As Markdown, to be put into the documentation as it is."""
    console.print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", markup=False)
    for (seed, system), outcome in outcomes.items():
        faults = [outcome.count(kind) for kind in (STALL, REFUSE, FULL)]
        releases, rest = len(outcome.evidence.record.releases), f"{outcome.settled_after:.0f} s"
        row = [seed, system, outcome.kills, *faults, releases, outcome.changes, rest, len(outcome.wrong)]
        console.print(f"| {' | '.join(str(each) for each in row)} |", markup=False)


if __name__ == "__main__":
    typer.run(main)
