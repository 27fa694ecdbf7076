"""One run: a plan is carried out while everything fails, and then everything that is left behind is judged."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from temporalio.service import RPCError

from tests.chaos.checks import wrong_with
from tests.chaos.databases import Breakable, PostgresqlServer, SqliteFile
from tests.chaos.evidence import Evidence, changes_in, read_database, read_logs
from tests.chaos.executions import open_workflows, read_executions
from tests.chaos.faults import FULL, KILL, KINDS, REFUSE, STALL, Fault, schedule_for
from tests.chaos.ground import Ground
from tests.chaos.people import People
from tests.chaos.plan import Plan, plan_for
from tests.e2e.proxy import Proxy
from tests.http import OWNER_KEY, Api

Tell = Callable[[float, str], None]
"""Hears of the time that has passed, and of what happens."""


@dataclass(frozen=True)
class Size:
    """How large a run is; the time for everything to come to rest afterwards is not counted in."""

    seed: int
    releases: int
    seconds: float
    patience: float
    skew: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    faults: list[Fault]
    kills: int
    settled_after: float
    answers: dict[int, int]
    evidence: Evidence
    wrong: list[str]

    def __str__(self) -> str:
        """Three figures."""
        made = len(changes_in(self.evidence.record))
        return (
            f"{len(self.faults)} faults and {self.kills} kills survived; {len(self.evidence.record.stories)} releases and {made} changes "
            f"checked, all at rest {self.settled_after:.0f} s after the last fault; wrong: {len(self.wrong)}"
        )


def endure(folder: Path, database: Breakable, size: Size, tell: Tell = lambda _seconds, _what: None) -> Outcome:
    """Do a whole run in a folder."""
    plan = plan_for(size.seed, size.releases, size.seconds)
    with running_ground(folder, database, skew=size.skew) as ground:
        kinds = [KILL, STALL, REFUSE] if database.is_process else [KILL, STALL, REFUSE, FULL]
        faults = schedule_for(size.seed, size.seconds, kinds=kinds, processes=ground.victims, skew=size.skew)
        operator = set_up(ground.stack.api, plan)
        people = People(operator, plan)
        try:
            people.start()
            _let_happen(ground, faults, size.seconds, tell)
            settled_after = _come_to_rest(ground, people, size.patience, tell)
        finally:
            people.stop()
        evidence = gather(folder, ground, people)
    return Outcome(faults, ground.kills.total(), settled_after, dict(people.answers), evidence, wrong_with(evidence))


@contextmanager
def running_ground(folder: Path, database: Breakable, *, skew: bool = False) -> Iterator[Ground]:
    """Everything started, of which nothing is left behind."""
    with Proxy() as proxy:
        ground = Ground(folder, database, proxy, skew=skew)
        try:
            ground.start()
            yield ground
        finally:
            ground.stop()


def set_up(api: Api, plan: Plan) -> Api:
    """The project with everything that the plan names, and the API with an operator's key."""
    api.make_project()
    for feature in plan.features:
        api.post("/projects/shop/features", {"key": feature, "default": {"enabled": False, "value": "zero"}})
    for definition in plan.pipelines:
        api.publish(definition)
    return api.make_key("oscar", {"project": "shop", "role": "operator", "environments": ["*"]})


def gather(folder: Path, ground: Ground, people: People) -> Evidence:
    """Everything that is left behind."""
    ground.database.copy_to(folder / "evidence.db")
    record, errands = read_database(folder / "evidence.db")
    executions = asyncio.run(read_executions(_temporal(ground)))
    surprises = people.surprises + ground.died
    keys = [OWNER_KEY, str(people.api.client.headers["Authorization"]).removeprefix("Bearer ")]
    return Evidence(record, errands, executions, people.told, surprises, read_logs(folder), keys)


def _let_happen(ground: Ground, faults: list[Fault], seconds: float, tell: Tell) -> None:
    began, coming = time.monotonic(), list(faults)
    while (passed := time.monotonic() - began) < seconds:
        ground.look_after()
        if coming and coming[0].at <= passed:
            fault = coming.pop(0)
            tell(passed, f"{KINDS[fault.kind]}{': ' if fault.victims else ''}{', '.join(fault.victims)}")
            ground.strike(fault)
        tell(passed, "")
        time.sleep(0.2)


def _come_to_rest(ground: Ground, people: People, patience: float, tell: Tell) -> float:
    """How long it took until everybody was answered and every workflow had ended; no longer than that."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < patience:
        ground.look_after()
        tell(passed, "")
        if people.is_done and _is_at_rest(ground):
            break
        time.sleep(0.5)
    return passed


def _is_at_rest(ground: Ground) -> bool:
    with suppress(RPCError, RuntimeError):
        listed = ground.stack.api.get("/status")
        is_over = not asyncio.run(open_workflows(_temporal(ground))).total()
        return is_over and bool(listed) and not _unfinished(ground)
    return False


def _unfinished(ground: Ground) -> int:
    with tempfile.TemporaryDirectory() as folder:
        ground.database.copy_to(Path(folder) / "look.db")
        record, errands = read_database(Path(folder) / "look.db")
    return errands + sum(story.row["ended_at"] is None for story in record.stories)


def _temporal(ground: Ground) -> str:
    return f"127.0.0.1:{ground.stack.temporal_port}"


def main(
    seed: Annotated[int, typer.Option(help="What is drawn.")] = 1,
    releases: Annotated[int, typer.Option(help="How many releases climb.")] = 200,
    seconds: Annotated[float, typer.Option(help="How long everything fails.")] = 150,
    database: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
    keep: Annotated[Path | None, typer.Option(help="Where what is left behind is kept.")] = None,
) -> None:
    """Let releases climb while everything fails."""
    console = Console()
    folder = keep or Path(tempfile.mkdtemp(prefix="flaghoist-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    chosen: Breakable = PostgresqlServer() if database == "postgresql" else SqliteFile(folder)
    size = Size(seed, releases, seconds, patience=300, skew=True)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(f"seed {seed}", total=seconds)

        def tell(passed: float, what: str) -> None:
            progress.update(task, completed=passed)
            if what:
                progress.console.print(f"{passed:6.1f} s  {what}")

        outcome = endure(folder, chosen, size, tell)
    for each in outcome.wrong:
        console.print(each, markup=False)
    console.print(f"seed {seed}, {database}: {outcome}", markup=False, highlight=False)
    console.print(f"answers {outcome.answers}; what is left behind is in {folder}", markup=False, highlight=False)
    sys.stdout.flush()
    raise typer.Exit(1 if outcome.wrong else 0)


if __name__ == "__main__":
    typer.run(main)
