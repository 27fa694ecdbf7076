"""One run: a plan is carried out while everything fails, and then everything that is left behind is judged."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
from temporalio.service import RPCError

from tests.chaos.checks import wrong_with
from tests.chaos.databases import Breakable
from tests.chaos.environment import Ground
from tests.chaos.evidence import Evidence, changes_in, read_database, read_logs
from tests.chaos.executions import open_workflows, read_executions
from tests.chaos.faults import KINDS, Fault, schedule_for
from tests.chaos.people import People
from tests.chaos.plan import Plan, plan_for
from tests.e2e.proxy import Proxy
from tests.http import OWNER_KEY, Api

LONGEST = 1800
"""Seconds after which a run is judged as it stands."""

Tell = Callable[[float, str], None]
"""Hears of the time that has passed, and of what happens."""


@dataclass(frozen=True)
class Size:
    """How large a run is. Afterwards everything comes to rest in its own time, unless nothing moves for as long as patience lasts."""

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

    @property
    def changes(self) -> int:
        """How many changes were checked."""
        return len(changes_in(self.evidence.record))

    def count(self, kind: str) -> int:
        """How many faults of a kind there were."""
        return sum(fault.kind == kind for fault in self.faults)


def endure(folder: Path, database: Breakable, size: Size, tell: Tell = lambda _seconds, _what: None) -> Outcome:
    """Do a whole run in a folder."""
    plan = plan_for(size.seed, size.releases, size.seconds)
    with running_ground(folder, database, skew=size.skew) as ground:
        faults = schedule_for(size.seed, size.seconds, kinds=list(KINDS), processes=ground.victims, skew=size.skew)
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
    record, entries = read_database(folder / "evidence.db")
    executions = asyncio.run(read_executions(_temporal(ground)))
    surprises = people.surprises + ground.died
    keys = [OWNER_KEY, str(people.api.client.headers["Authorization"]).removeprefix("Bearer ")]
    return Evidence(record, entries, executions, people.told, surprises, read_logs(folder), keys)


def _let_happen(ground: Ground, faults: list[Fault], seconds: float, tell: Tell) -> None:
    began, coming = time.monotonic(), list(faults)
    while (passed := time.monotonic() - began) < seconds or coming:
        ground.look_after()
        if coming and coming[0].at <= passed:
            fault = coming.pop(0)
            tell(passed, f"{KINDS[fault.kind]}{': ' if fault.victims else ''}{', '.join(fault.victims)}")
            ground.strike(fault)
        tell(passed, "")
        time.sleep(0.2)


def _come_to_rest(ground: Ground, people: People, patience: float, tell: Tell) -> float:
    """How long it took until everybody was answered and every workflow had ended, or until nothing had moved for so long."""
    began = moved_at = time.monotonic()
    seen: object = None
    while (passed := time.monotonic() - began) < LONGEST and time.monotonic() - moved_at < patience:
        ground.look_after()
        tell(passed, "")
        stands = _where_all_stands(ground)
        if stands and people.is_done and stands.is_over:
            break
        if stands != seen:
            seen, moved_at = stands, time.monotonic()
        time.sleep(1)
    return passed


class Stands(NamedTuple):
    """How far everything has come."""

    entries: int
    unfinished: int
    writes: int
    open_workflows: int

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.entries or self.unfinished or self.open_workflows)


def _where_all_stands(ground: Ground) -> Stands | None:
    """Nothing, while a part of it does not answer."""
    with suppress(RPCError, RuntimeError, httpx.HTTPError), tempfile.TemporaryDirectory() as folder:
        ground.stack.api.get("/status")
        running = asyncio.run(open_workflows(_temporal(ground))).total()
        ground.database.copy_to(Path(folder) / "look.db")
        record, entries = read_database(Path(folder) / "look.db")
        unfinished = sum(story.row["ended_at"] is None for story in record.releases)
        return Stands(entries, unfinished, sum(story.row["sequence"] for story in record.releases), running)
    return None


def _temporal(ground: Ground) -> str:
    return f"127.0.0.1:{ground.stack.temporal_port}"
