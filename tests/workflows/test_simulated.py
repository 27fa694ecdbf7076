"""Simulations predict what the real workflow does: random pipelines, with skipped time."""

import asyncio
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.store.database import Database
from domain.instant import print_instant
from domain.pipelines.pipeline import Pipeline
from domain.pipelines.window import Day
from domain.releases.simulation import SimulatedStage, ends_at, simulate
from domain.releases.status import StageOutcome
from tests.pipelines import enable, pipeline, rollout, until, window
from tests.workflows.gates import add_freeze
from tests.workflows.harness import Harness, time_skipping_harness

SLACK = timedelta(seconds=5)
"""The allowed lateness of each change. All later times count from it."""

MINUTES = st.integers(1, 60 * 24 * 3)
QUARTERS = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
DAYS = st.lists(st.sampled_from(Day), min_size=2, max_size=7, unique=True)
ZONES = st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    """Draw some hours of some days, also across midnight."""
    start, end = draw(st.lists(QUARTERS, min_size=2, max_size=2, unique=True))
    return window(start, end, *draw(DAYS), timezone=draw(ZONES))


class Frozen(NamedTuple):
    """A freeze, in minutes after the start."""

    starts: int
    lasts: int
    environments: tuple[str, ...]


FREEZES = st.builds(Frozen, st.integers(-600, 60 * 24 * 6), MINUTES, st.sampled_from([(), ("production",), ("staging",)]))


@st.composite
def stages(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Draw a stage of any kind. Points in time are minutes after the start, and may have passed."""
    actions = draw(st.sampled_from([[], [enable()], [enable("staff")], ["rollout"]]))
    if actions == ["rollout"]:
        steps = {"initial": draw(st.integers(1, 100)), "step": draw(st.integers(20, 100))}
        actions = [rollout(every=f"{draw(MINUTES)}m", **steps)]
    kinds = ["for", "until"] + (["enter"] if actions else [])
    match draw(st.sampled_from(kinds)):
        case "for":
            trigger = {"type": "WAIT_FOR", "duration": f"{draw(MINUTES)}m"}
        case "until":
            trigger = until(parameter=f"at-{draw(st.integers(-60, 60 * 24 * 9))}")
        case "enter":
            trigger = {"type": "ON_ENTER"}
        case kind:
            raise ValueError(f"no trigger for {kind}")
    gates = draw(st.lists(windows(), max_size=1))
    return {"name": f"Stage {number}", "environment": "production", "trigger": trigger, "gates": gates, "actions": actions}


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a pipeline of up to four stages, with a parameter for each point in time."""
    drawn = [draw(stages(number)) for number in range(draw(st.integers(1, 4)))]
    names = {each["trigger"]["at_from"]["parameter"] for each in drawn if "at_from" in each["trigger"]}
    return pipeline(*drawn, on_conflict="overwrite", parameters={name: {"type": "datetime"} for name in sorted(names)})


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases=st.lists(st.tuples(definitions(), st.lists(FREEZES, max_size=2)), min_size=4, max_size=4))
def test_simulation_and_real_workflow_agree(migrated_sqlite: Path, cases: list[tuple[dict[str, Any], list[Frozen]]]) -> None:
    async def scenario(database: Database) -> None:
        async with time_skipping_harness(database) as harness, harness.worker():
            for number, (definition, freezes) in enumerate(cases):
                published = harness.world.publish(definition | {"key": f"random-{number}"})
                harness.world.add_feature(f"flag-{number}")
                await check_agreement(harness, published, f"flag-{number}", freezes)

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated_sqlite, Path(folder) / "flaghoist.db")
        database = Database(f"sqlite:///{folder}/flaghoist.db")
        asyncio.run(scenario(database))
        database.close()


async def check_agreement(harness: Harness, published: Pipeline, feature: str, freezes: list[Frozen]) -> None:
    """Run one flag through the whole pipeline, and compare each time with the simulation."""
    start = (await harness.env.get_current_time()).replace(microsecond=0)
    for each in freezes:
        add_freeze(harness, timedelta(minutes=each.lasts), start + timedelta(minutes=each.starts), each.environments)
    parameters = {name: _at(name, start) for name in published.definition.parameters}
    release = await harness.add(feature=feature, pipeline=published.definition.key, parameters=parameters)
    entered_at = harness.record(release).entered_at or start
    with harness.world.database.reading() as store:
        ahead = store.freezes.ahead(harness.world.project.id, entered_at)
    simulated = simulate(published.definition.stages, 0, entered_at, parameters, ahead)
    end = ends_at(simulated)
    assert end

    await harness.env.sleep(end - entered_at + timedelta(minutes=10))
    await harness.until(release, "completed")

    runs, changes = harness.runs(release), harness.changes(release)
    assert [run.outcome != StageOutcome.PENDING for run in runs] == [True] * len(simulated)
    slack = SLACK
    for stage, run in zip(simulated, runs, strict=True):
        made = [change.made_at for change in changes if change.visit == run.visit]
        expected = _times(stage)
        if made:
            assert len(made) == len(expected)
        for actual, time in zip(made or [run.acted_at or start], expected, strict=True):
            assert timedelta(0) <= actual - time <= slack, (stage.name, actual, time)
            slack += SLACK


def _times(stage: SimulatedStage) -> list[datetime]:
    assert stage.acts_at
    return [step.acts_at for step in stage.steps] if stage.steps else [stage.acts_at]


def _at(name: str, start: datetime) -> str:
    return print_instant(start + timedelta(minutes=int(name.removeprefix("at-"))))
