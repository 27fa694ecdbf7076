"""The long form: one run after another, each with a different seed, and a table of the results."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from process_exit import exit_process
from tests.chaos.databases import Breakable, BreakablePostgresql, SqliteFile
from tests.chaos.endurance import FlagsHere, Outcome, Size, endure
from tests.chaos.environment import System, faketime
from tests.chaos.faults import FROZEN, FULL, NETWORK, REFUSE, STALL
from tests.chaos.faulty_proxy import running_proxy
from tests.chaos.one_machine import one_machine
from tests.chaos.unleash import FlagsInUnleash
from tests.cluster.faults import BreakableCluster, networked
from tests.cluster.prerequisites import server_or_exit
from tests.cluster.temporal_server import TemporalServer
from tests.postgresql import PostgresqlServer
from tests.unleash.server import running_unleash

PATIENCE = 400
"""Seconds within which something must move. Retries are at most five minutes apart, and a busy machine is no defect."""

FAULTS = {"network faults": (STALL, *NETWORK), "frozen": (FROZEN,), "refusals": (REFUSE,), "full disks": (FULL,)}
"""The columns of the table that count faults."""

HEADINGS = ("seed", "on", "kills", *FAULTS, "releases", "changes", "at rest after", "violations")


def main(
    seed: Annotated[list[int], typer.Option(help="Seed of plan and faults. May be given more than once.")] = [1, 2, 3, 4, 5],  # noqa: B006
    releases: Annotated[int, typer.Option(help="Number of releases in each run.")] = 200,
    seconds: Annotated[float, typer.Option(help="Seconds of faults in each run.")] = 120,
    database: Annotated[str, typer.Option(help="sqlite or postgresql. By default, even seeds run on PostgreSQL.")] = "",
    provider: Annotated[
        str, typer.Option(help="builtin, or unleash: then the flags are in a real Unleash, which fails as well.")
    ] = "builtin",
    cluster: Annotated[
        bool, typer.Option(help="Run on PostgreSQL and a Temporal server in several processes, instead of on one machine.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="Folder in which everything that the runs leave behind is kept.")] = None,
) -> None:
    """Run releases while everything fails, and check what is left behind."""
    console = Console(highlight=False, soft_wrap=True)
    faketime()
    server = server_or_exit(console) if cluster else None
    root = keep or Path(tempfile.mkdtemp(prefix="flaghoist-chaos-"))
    outcomes = dict[tuple[int, str], Outcome]()
    for each in seed:
        broken = "cluster" if server else database or ("sqlite" if each % 2 else "postgresql")
        size = Size(each, releases, seconds, PATIENCE, skew=True, long_write=True)
        outcomes[each, broken] = _run(console, root / str(each), Target(broken, server), size, provider)
    _print_table(console, outcomes)
    violations = sum(len(outcome.violations) for outcome in outcomes.values())
    kept = f"everything that the runs left behind is in {root}" if violations or keep else "nothing is kept"
    console.print(f"violations: {violations}; {kept}", markup=False)
    if not (violations or keep):
        shutil.rmtree(root)
    exit_process(1 if violations else 0)


class Target(NamedTuple):
    """The system that a run breaks: `sqlite` or `postgresql` on one machine, or `cluster` with the server of Temporal."""

    name: str
    server: TemporalServer | None

    def build(self, folder: Path) -> tuple[Breakable, AbstractContextManager[System]]:
        """Return its database, and itself, not started yet."""
        if self.server:
            cluster = BreakableCluster(folder, self.server)
            return BreakablePostgresql(cluster.postgresql, "flaghoist"), networked(cluster)
        database: Breakable = BreakablePostgresql() if self.name == "postgresql" else SqliteFile(folder)
        return database, one_machine(folder, database.url)


def _run(console: Console, folder: Path, target: Target, size: Size, provider: str) -> Outcome:
    folder.mkdir(parents=True)
    (chosen, system), name = target.build(folder), target.name
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(f"seed {size.seed} on {name}", total=size.seconds)

        def report(passed: float, what: str) -> None:
            progress.update(task, completed=passed)
            if what:
                progress.console.print(f"{passed:6.1f} s  {what}", markup=False)

        with flags_of(provider, size.seed) as flags:
            outcome = endure(folder, chosen, size, report, flags, system)
            summary = flags.summary()
    for each in outcome.violations:
        console.print(f"VIOLATION {each}", markup=False)
    console.print(f"seed {size.seed} on {name}: answers {outcome.answers}; {summary}violations: {len(outcome.violations)}", markup=False)
    chosen.remove()
    return outcome


@contextmanager
def flags_of(provider: str, seed: int) -> Iterator[FlagsHere]:
    """The place of the flags, which lasts as long as the block."""
    if provider == "builtin":
        yield FlagsHere()
        return
    server = PostgresqlServer()
    server.start()
    try:
        with running_unleash(server.url_of("{database}")) as unleash, running_proxy(unleash.address, seed) as proxy:
            yield FlagsInUnleash(unleash, proxy)
    finally:
        server.stop()
        server.remove()


def _print_table(console: Console, outcomes: dict[tuple[int, str], Outcome]) -> None:
    """Print the table as Markdown for the documentation."""
    console.print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", markup=False)
    for (seed, system), outcome in outcomes.items():
        faults = [sum(outcome.count(kind) for kind in kinds) for kinds in FAULTS.values()]
        releases, rest = len(outcome.evidence.record.releases), f"{outcome.settled_after:.0f} s"
        row = [seed, system, outcome.kills, *faults, releases, outcome.changes, rest, len(outcome.violations)]
        console.print(f"| {' | '.join(str(each) for each in row)} |", markup=False)


if __name__ == "__main__":
    typer.run(main)
