"""The actions of people in a run, drawn from a seed: random pipelines, flags added to them, and controls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from tests.chaos.guards import Outage, bad_flags, guarded, outages
from tests.pipelines import enable, pipeline, rollout, set_value, until

ENVIRONMENTS = ("development", "staging", "production")
SEGMENTS = ("beta-users", "staff")
VALUES = ("one", "two", "three", "four")


class PlannedControl(NamedTuple):
    """A control that is sent a number of seconds after the flag was added, or after the control before."""

    after: float
    name: str


@dataclass(frozen=True)
class Planned:
    """A flag to add at a time, and the controls of its release. Launch times are in seconds after it is added."""

    number: int
    at: float
    feature: str
    pipeline: str
    starting_stage: str
    launches: dict[str, float]
    controls: tuple[PlannedControl, ...]


@dataclass(frozen=True)
class Plan:
    """All actions of people in a run."""

    features: list[str]
    pipelines: list[dict[str, Any]]
    releases: list[Planned]
    bad_from: dict[str, float] = field(default_factory=dict)
    """The flags that turn bad, and after how many seconds."""
    outages: list[Outage] = field(default_factory=list)
    """The times at which the source of metrics fails or hangs."""


class Vocabulary(NamedTuple):
    """The environments and the actions from which stages are drawn."""

    environments: tuple[str, ...]
    actions: Callable[[Random, float], list[dict[str, Any]]]


def plan_for(seed: int, releases: int, seconds: float, vocabulary: Vocabulary | None = None) -> Plan:
    """Draw releases that are added within the first two thirds of the run. The same seed gives the same plan."""
    is_guarded = vocabulary is None
    vocabulary = vocabulary or Vocabulary(ENVIRONMENTS, _actions)
    random = Random(f"plan {seed}")  # noqa: S311 (reproducible, not a secret)
    slow = max(2.0, seconds / 15)
    features = [f"flag-{number}" for number in range(max(1, releases * 7 // 8))]
    pipelines = [_pipeline(random, number, slow, vocabulary) for number in range(max(4, releases // 5))]
    planned = [_release(random, number, features, pipelines, seconds, slow) for number in range(releases)]
    planned.sort(key=lambda each: each.at)
    if not is_guarded:
        return Plan(features, pipelines, planned)
    return Plan(features, guarded(seed, pipelines), planned, bad_flags(seed, features, seconds), outages(seed, seconds))


def _pipeline(random: Random, number: int, slow: float, vocabulary: Vocabulary) -> dict[str, Any]:
    stages = [_stage(random, place, slow, vocabulary) for place in range(random.randint(1, 5))]
    launches = {each["trigger"]["at_from"]["parameter"]: {"type": "datetime"} for each in stages if "at_from" in each["trigger"]}
    return pipeline(*stages, key=f"pipeline-{number}", parameters=launches)


def _stage(random: Random, place: int, slow: float, vocabulary: Vocabulary) -> dict[str, Any]:
    actions = vocabulary.actions(random, slow)
    waits = [{"type": "WAIT_FOR", "duration": f"{random.randint(1, round(slow))}s"}] * 3 + [until(parameter=f"launch-{place}")]
    trigger = random.choice([*waits, {"type": "ON_ENTER"}] if actions else waits)
    return {"name": f"Stage {place}", "environment": random.choice(vocabulary.environments), "trigger": trigger, "actions": actions}


def _actions(random: Random, slow: float) -> list[dict[str, Any]]:
    value, segment, on = random.choice(VALUES), random.choice(SEGMENTS), random.random() < 0.7
    grows = rollout(random.randint(1, 60), random.randint(25, 60), f"{random.randint(1, max(1, round(slow / 4)))}s", enabled=on)
    kinds = [
        [],
        [enable(enabled=on)],
        [set_value(value)],
        [enable(enabled=on), set_value(value)],
        [enable(segment, enabled=on)],
        [set_value(value, segment), enable(enabled=on)],
        [enable(enabled=on) | {"overrides": "remove"}],
        [grows],
        [grows | {"value": value, "overrides": "remove"}],
    ]
    return random.choice(kinds)


def _release(random: Random, number: int, features: list[str], pipelines: list[dict[str, Any]], seconds: float, slow: float) -> Planned:
    chosen = random.choice(pipelines)
    stages = chosen["stages"]
    return Planned(
        number=number,
        at=random.uniform(0, seconds * 2 / 3),
        feature=features[number % len(features)],
        pipeline=chosen["key"],
        starting_stage=stages[0 if random.random() < 0.7 else random.randrange(len(stages))]["name"],
        launches={name: random.uniform(-slow, slow * 2) for name in chosen["parameters"]},
        controls=_controls(random, slow),
    )


def _controls(random: Random, slow: float) -> tuple[PlannedControl, ...]:
    """Draw the controls of a release. Half of all releases get none, and a control that ends a release is the last."""
    soon = random.uniform(0, slow * 2)
    match random.choices(["none", "pause", "advance", "remove", "rollback"], [10, 4, 2, 2, 2])[0]:
        case "none":
            return ()
        case "pause":
            return (PlannedControl(soon, "pause"), PlannedControl(random.uniform(0, slow), "resume"))
        case control:
            return (PlannedControl(soon, control),)
