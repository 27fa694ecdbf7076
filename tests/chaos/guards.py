"""The guarded part of a plan, drawn from a seed: guardrails and metric gates of pipelines, flags that turn bad, and a source that fails."""

import math
from random import Random
from typing import Any, NamedTuple

METRIC = "error-rate"
CONDITION = {"type": "THRESHOLD", "at_most": 0.01}
EVERY = "5s"
"""The shortest interval there is."""

FAILS, HANGS = "fails", "hangs"


class Outage(NamedTuple):
    """A time in which the source fails or hangs, in seconds since the start."""

    at: float
    lasts: float
    kind: str


def guarded(seed: int, pipelines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the pipelines, two of five with guardrails and some of these with metric gates."""
    random = Random(f"guards {seed}")  # noqa: S311 (reproducible, not a secret)
    chosen = random.sample(range(len(pipelines)), math.ceil(len(pipelines) * 0.4))
    return [_guarded(random, each) if number in chosen else each for number, each in enumerate(pipelines)]


def bad_flags(seed: int, features: list[str], seconds: float) -> dict[str, float]:
    """Return the flags that turn bad, and when."""
    random = Random(f"bad flags {seed}")  # noqa: S311 (reproducible, not a secret)
    return {feature: random.uniform(0.1, 0.9) * seconds for feature in random.sample(features, math.ceil(len(features) * 0.4))}


def outages(seed: int, seconds: float) -> list[Outage]:
    """Draw times at which the source can't be asked. They end with the faults."""
    random, found = Random(f"outages {seed}"), list[Outage]()  # noqa: S311 (reproducible, not a secret)
    at = random.uniform(0, seconds / 4)
    while at < seconds:
        found.append(Outage(at, min(random.uniform(0.5, 9), seconds - at), random.choice((FAILS, HANGS))))
        at += found[-1].lasts + random.uniform(1, seconds / 4)
    return found


def _guarded(random: Random, pipeline: dict[str, Any]) -> dict[str, Any]:
    """Return a pipeline whose later stages are guarded. One that is only watched in shadow, or tells people, is never rolled back."""
    names = [stage["name"] for stage in pipeline["stages"]]
    watched = names[random.randrange(len(names)) :]
    usual = {"metric": METRIC, "condition": CONDITION, "stages": watched, "every": EVERY, "failures": random.randint(1, 2)}
    enforcing = usual | {"name": "Errors", "on_breach": "rollback"}
    kinds = [
        [enforcing],
        [enforcing, usual | {"name": "Told", "on_breach": "notify"}],
        [usual | {"name": "Shadow", "on_breach": "rollback", "shadow": True}],
        [usual | {"name": "Told", "on_breach": "notify"}, usual | {"name": "Shadow pause", "on_breach": "pause", "shadow": True}],
    ]
    guardrails = random.choices(kinds, [4, 2, 2, 1])[0]
    stages = [_gated(random, each) if enforcing in guardrails and each["name"] in watched else each for each in pipeline["stages"]]
    return pipeline | {"stages": stages, "guardrails": guardrails}


def _gated(random: Random, stage: dict[str, Any]) -> dict[str, Any]:
    gate = {"type": "METRIC", "metric": METRIC, "condition": CONDITION, "every": EVERY, "passing_for": random.choice(("0s", "3s"))}
    return stage | {"gates": [gate]} if random.random() < 0.3 else stage
