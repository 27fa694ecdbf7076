"""What people will do during a run, drawn from a seed: pipelines of random shape, flags added to them, controls sent to their releases."""

from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from tests.pipelines import enable, pipeline, rollout, set_value, until

ENVIRONMENTS = ("development", "staging", "production")
SEGMENTS = ("beta-users", "staff")
VALUES = ("one", "two", "three", "four")


class Deed(NamedTuple):
    """A control that a person sends so many seconds after the flag was added, or after the deed before."""

    after: float
    control: str


@dataclass(frozen=True)
class Planned:
    """A flag to be added, when, and what is then done to its release; launch times are seconds from being added."""

    number: int
    at: float
    feature: str
    pipeline: str
    starting_stage: str
    launches: dict[str, float]
    deeds: tuple[Deed, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that people will do."""

    features: list[str]
    pipelines: list[dict[str, Any]]
    releases: list[Planned]


def plan_for(seed: int, releases: int, seconds: float) -> Plan:
    """So many releases, added over the first two thirds of so many seconds; the same for the same seed."""
    random = Random(f"plan {seed}")  # noqa: S311 (it is to be repeated)
    slow = max(2.0, seconds / 15)
    features = [f"flag-{number}" for number in range(max(1, releases * 7 // 8))]
    pipelines = [_pipeline(random, number, slow) for number in range(max(4, releases // 5))]
    planned = [_release(random, number, features, pipelines, seconds, slow) for number in range(releases)]
    return Plan(features, pipelines, sorted(planned, key=lambda each: each.at))


def _pipeline(random: Random, number: int, slow: float) -> dict[str, Any]:
    stages = [_stage(random, place, slow) for place in range(random.randint(1, 5))]
    launches = {each["trigger"]["at_from"]["parameter"]: {"type": "datetime"} for each in stages if "at_from" in each["trigger"]}
    return pipeline(*stages, key=f"pipeline-{number}", parameters=launches)


def _stage(random: Random, place: int, slow: float) -> dict[str, Any]:
    actions = _actions(random, slow)
    waits = [{"type": "WAIT_FOR", "duration": f"{random.randint(1, round(slow))}s"}] * 3 + [until(parameter=f"launch-{place}")]
    trigger = random.choice([*waits, {"type": "ON_ENTER"}] if actions else waits)
    return {"name": f"Stage {place}", "environment": random.choice(ENVIRONMENTS), "trigger": trigger, "actions": actions}


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
        deeds=_deeds(random, slow),
    )


def _deeds(random: Random, slow: float) -> tuple[Deed, ...]:
    """Half of all releases climb alone. What ends a release comes last."""
    soon = random.uniform(0, slow * 2)
    match random.choices(["none", "pause", "advance", "remove", "rollback"], [10, 4, 2, 2, 2])[0]:
        case "none":
            return ()
        case "pause":
            return (Deed(soon, "pause"), Deed(random.uniform(0, slow), "resume"))
        case control:
            return (Deed(soon, control),)
