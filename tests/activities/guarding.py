"""A guarded release, at the stage in which its guardrail is in force, and the watch of that stage without Temporal."""

from datetime import datetime, timedelta
from typing import Any

from activities.guarding.consequence import carry_out_breach
from activities.guarding.sampling import SampledStage, Sampler, record_readings, rules_of
from activities.messages import ChangeFlag
from domain.pipelines.gate import MetricGate
from domain.pipelines.guardrail import Guardrail
from domain.releases.observed import Observed
from domain.releases.release import Release
from tests.activities.acting import ACTED, act, command_for
from tests.pipelines import enable, hold, pipeline, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World

EVERY = timedelta(seconds=30)
ENOUGH = {"type": "THRESHOLD", "at_most": 0.01}
GOOD, BAD = 0.001, 0.2


def errors(**more: Any) -> dict[str, Any]:
    """Return a guardrail on the error rate, in force while the flag waits in 'Everyone'."""
    usual = {"name": "Errors", "metric": "error-rate", "condition": ENOUGH, "stages": ["Everyone"], "on_breach": "rollback"}
    return usual | {"every": "30s", "failures": 2} | more


def guarded(*guardrails: dict[str, Any], gates: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """Return a pipeline with these guardrails, and with these gates in the stage 'Everyone'."""
    everyone = stage("Everyone", "production", "1h", [enable()]) | {"gates": list(gates)}
    beta = stage("Beta users", "production", actions=[enable("beta-users")])
    return pipeline(stage("Development"), beta, everyone, hold("Watch", "2d"), guardrails=list(guardrails))


def release_in_force(world: World, *guardrails: dict[str, Any], gates: tuple[dict[str, Any], ...] = ()) -> Release:
    """Return a release that has changed production for beta users, and waits in 'Everyone'."""
    world.publish(guarded(*guardrails, gates=gates))
    release = world.add()
    act(world, release)
    act(world, release)
    return world.release(release.id)


def guarded_command(world: World, release: Release) -> ChangeFlag:
    """Return the command for the current stage, with what guards it."""
    with world.database.reading() as store:
        definition = store.pipelines.version(release.pipeline.id).definition
    stage_now = definition.stages[world.release(release.id).stage_index]
    guardrails = tuple(each for each in definition.guardrails if each.watches(stage_now.name))
    return command_for(world, release, gates=stage_now.gates, guardrails=guardrails)


def look(world: World, release: Release, metrics: ScriptedMetrics, at: datetime) -> bool:
    """Sample everything in the release's stage once, as the watch does. Returns True if that was a breach whose consequence was taken."""
    command = guarded_command(world, release)
    rules = rules_of(command.gates, command.guardrails)
    stage_now = SampledStage("shop", "checkout", "production", command.entered_at, release.id, release.visit, rules)
    states = observed(world, release)
    found = [Sampler(metrics).read(stage_now, key, states.get(key), at) for key in rules]
    with world.database.transaction() as store:
        after = record_readings(store, found)
    breached = {key: rule for key, rule in rules.items() if isinstance(rule, Guardrail) and after[stage_now.key(key)].breaches(rule)}
    taken = [carry_out_breach(world.database, "shop", stage_now.key(key), rule, at) for key, rule in breached.items()]
    return any(taken)


def observed(world: World, release: Release) -> dict[str, Observed]:
    """Return the states of everything that is sampled in the release's visit."""
    with world.database.reading() as store:
        return dict(store.evidence.observed(release.id, release.visit))


def passing_for(duration: str) -> dict[str, Any]:
    """Return a metric gate on the error rate."""
    return MetricGate.model_validate(
        {"type": "METRIC", "metric": "error-rate", "condition": ENOUGH, "passing_for": duration, "every": "30s"}
    ).model_dump(mode="json")


def later(seconds: float) -> datetime:
    """Return the time that many seconds after the stage was entered."""
    return ACTED + timedelta(seconds=seconds)
