"""One run: carry out a plan while everything fails, then check what is left behind."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
from temporalio.service import RPCError

from tests.chaos.checks import violations_in
from tests.chaos.databases import Breakable
from tests.chaos.environment import ChaosEnvironment, System
from tests.chaos.evidence import Evidence, changes_in, count_intents, read_database, read_logs
from tests.chaos.executions import open_workflows, read_executions
from tests.chaos.faults import Breakables, Fault, long_write, schedule_for
from tests.chaos.guards import METRIC
from tests.chaos.one_machine import one_machine
from tests.chaos.people import People
from tests.chaos.plan import Plan, Vocabulary, plan_for
from tests.chaos.source import MetricSource, serving
from tests.http import OWNER_KEY, Api

LONGEST = 1800
"""Seconds after which a run is checked although it is not at rest."""

Report = Callable[[float, str], None]
"""Receives the seconds passed, and what happens."""


@dataclass(frozen=True)
class Size:
    """The size of a run. After its faults, it waits for rest until nothing has moved for `patience` seconds.

    With `long_write`, a writer also keeps the database half-way through for longer than a local activity may take.
    """

    seed: int
    releases: int
    seconds: float
    patience: float
    skew: bool
    long_write: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    faults: list[Fault]
    kills: int
    settled_after: float
    answers: dict[int, int]
    evidence: Evidence
    violations: list[str]

    @property
    def changes(self) -> int:
        """The number of changes that were checked."""
        return len(changes_in(self.evidence.record))

    def count(self, kind: str) -> int:
        """Return the number of faults of a kind."""
        return sum(fault.kind == kind for fault in self.faults)


class FlagsHere:
    """The place of the flags in a run: our own database, or another system in a subclass."""

    kinds: tuple[str, ...] = ()
    """The faults that are drawn besides those of the system."""
    vocabulary: Vocabulary | None = None

    def attach(self, environment: ChaosEnvironment) -> None:
        """Add to the environment what the other system needs."""

    def set_up(self, api: Api, plan: Plan, source: MetricSource) -> Api:
        """Create the project with everything in the plan, and return the API with an operator's key."""
        return set_up(api, plan, source)

    def summary(self) -> str:
        """Return a sentence about what the other system did, or nothing."""
        return ""

    def violations(self, evidence: Evidence) -> list[str]:
        """Return everything that is wrong."""
        return violations_in(evidence)


def endure(
    folder: Path,
    database: Breakable,
    size: Size,
    report: Report = lambda _seconds, _what: None,
    flags: FlagsHere | None = None,
    system: AbstractContextManager[System] | None = None,
) -> Outcome:
    """Perform a run in a folder, on one machine unless another system is given."""
    flags, system = flags or FlagsHere(), system or one_machine(folder, database.url)
    plan = plan_for(size.seed, size.releases, size.seconds, flags.vocabulary)
    source = MetricSource(plan.bad_from, plan.outages)
    with serving(source), running_environment(database, flags, system, skew=size.skew) as environment:
        breakables = Breakables((*environment.system.kinds, *flags.kinds), environment.victims, environment.system.places)
        faults = schedule_for(size.seed, size.seconds, breakables, skew=size.skew)
        if size.long_write:
            faults = sorted([*faults, long_write(size.seconds / 2)], key=lambda fault: fault.at)
        operator = flags.set_up(environment.system.api, plan, source)
        people = People(operator, plan)
        try:
            source.start()
            people.start()
            _inject_all(environment, faults, size.seconds, report)
            settled_after = _come_to_rest(environment, people, size.patience, report)
        finally:
            people.stop()
        evidence = gather(folder, environment, people, source)
        wrong = flags.violations(evidence)
    return Outcome(faults, environment.kills.total(), settled_after, dict(people.answers), evidence, wrong)


@contextmanager
def running_environment(
    database: Breakable, flags: FlagsHere, system: AbstractContextManager[System], *, skew: bool
) -> Iterator[ChaosEnvironment]:
    """Everything started. No process outlives the block."""
    with system as broken:
        environment = ChaosEnvironment(database, broken, skew=skew)
        flags.attach(environment)
        try:
            environment.start()
            yield environment
        finally:
            environment.stop()


def set_up(api: Api, plan: Plan, source: MetricSource) -> Api:
    """Create the project with everything in the plan, and return the API with an operator's key."""
    api.make_project()
    api.post("/projects/shop/sources", {"key": "watch", "name": "Watch", "kind": "http", "address": source.address})
    query = {"source": "watch", "query": "/errors/{feature}", "pointer": "/value"}
    api.post("/projects/shop/metrics", {"key": METRIC, "name": "Error rate"} | query)
    for feature in plan.features:
        api.post("/projects/shop/features", {"key": feature, "default": {"enabled": False, "value": "zero"}})
    for definition in plan.pipelines:
        api.publish(definition)
    return api.make_key("oscar", {"project": "shop", "role": "operator", "environments": ["*"]})


def gather(folder: Path, environment: ChaosEnvironment, people: People, source: MetricSource) -> Evidence:
    """Read everything that the run left behind."""
    environment.database.copy_to(folder / "evidence.db")
    record, entries = read_database(folder / "evidence.db")
    executions = asyncio.run(read_executions(environment.system.temporal))
    surprises = people.surprises + environment.died
    keys = [OWNER_KEY, str(people.api.client.headers["Authorization"]).removeprefix("Bearer ")]
    intents = count_intents(folder / "evidence.db")
    return Evidence(record, entries, executions, people.acknowledged, surprises, read_logs(folder), keys, intents, source.bad_at)


def _inject_all(environment: ChaosEnvironment, faults: list[Fault], seconds: float, report: Report) -> None:
    began, remaining = time.monotonic(), list(faults)
    while (passed := time.monotonic() - began) < seconds or remaining:
        environment.supervise()
        if remaining and remaining[0].at <= passed:
            fault = remaining.pop(0)
            report(passed, str(fault))
            environment.inject(fault)
        report(passed, "")
        time.sleep(0.2)


def _come_to_rest(environment: ChaosEnvironment, people: People, patience: float, report: Report) -> float:
    """Wait until every request is answered and every workflow has ended, or nothing moves. Return the seconds."""
    began = moved_at = time.monotonic()
    last: object = None
    while (passed := time.monotonic() - began) < LONGEST and time.monotonic() - moved_at < patience:
        environment.supervise()
        report(passed, "")
        progress = _progress_of(environment)
        if progress and people.is_done and progress.is_complete:
            break
        if progress != last:
            last, moved_at = progress, time.monotonic()
        time.sleep(1)
    return passed


class Progress(NamedTuple):
    """The progress of a run. Changes that are intended in another flag system count as entries of the outbox."""

    outbox_entries: int
    unfinished: int
    writes: int
    open_workflows: int

    @property
    def is_complete(self) -> bool:
        """True if nothing is left to do."""
        return not (self.outbox_entries or self.unfinished or self.open_workflows)


def _progress_of(environment: ChaosEnvironment) -> Progress | None:
    """Return the progress, or nothing if a part of the environment does not answer."""
    with suppress(RPCError, RuntimeError, httpx.HTTPError, AssertionError), tempfile.TemporaryDirectory() as folder:
        environment.system.api.get("/status")
        running = asyncio.run(open_workflows(environment.system.temporal)).total()
        environment.database.copy_to(Path(folder) / "look.db")
        look = Path(folder) / "look.db"
        record, entries = read_database(look)
        unfinished = sum(story.row["ended_at"] is None for story in record.releases)
        return Progress(entries + count_intents(look), unfinished, sum(story.row["sequence"] for story in record.releases), running)
    return None
