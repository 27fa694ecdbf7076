"""Drawn values: pipelines, faults, edits and controls."""

from random import Random
from typing import Any

from domain.releases.control import Control
from tests.pipelines import allocate, enable, rollout, stage
from tests.unleash.histories.network import BROKEN, DIES, Fault

ENVIRONMENTS = ("development", "production")
VARIANTS = ("blue", "green", "one-page")

EDITS_MEANWHILE = ("switch on", "switch off", "add half", "add everyone", "change theirs", "disable theirs", "set 55 percent")
"""The edits that an attempt may meet. One that takes a strategy of ours away while it is being changed is a race that nobody can win."""

EDITS = (*EDITS_MEANWHILE, "delete theirs", "delete theirs", "disable ours", "rename ours", "delete ours")

CONTROLS = tuple(each for each in Control if each not in (Control.APPROVE, Control.REJECT))
CONTROLS_MEANWHILE = (Control.PAUSE, Control.REMOVE, Control.ROLLBACK, Control.SKIP)

STEPS = {
    "attempt": 6,
    "attempt until done": 3,
    "attempt twice at once": 1,
    "attempt what is past": 1,
    "use a control": 5,
    "edit by hand": 2,
    "settle": 1,
    "come to rest": 1,
}
"""The steps of a history, and how often they are drawn."""


def steps(random: Random, number: int) -> list[str]:
    """Draw that many steps."""
    return random.choices(list(STEPS), list(STEPS.values()), k=number)


def stages(random: Random, segments: list[str], *, allocates: bool = False) -> list[dict[str, Any]]:
    """Draw the stages of a pipeline."""
    actions = _with_variants if allocates else _actions
    return [
        stage(f"Stage {number}", random.choice(ENVIRONMENTS), actions=actions(random, segments)) for number in range(random.randint(1, 4))
    ]


def _actions(random: Random, segments: list[str]) -> list[dict[str, Any]]:
    segment = random.choice(segments)
    kinds = (
        [enable()],
        [enable()],
        [enable(enabled=False)],
        [enable(segment)],
        [enable(each) for each in segments],
        [rollout(20, 40, "1h")],
        [enable(segment), rollout(35, 65, "1h")],
        [enable(enabled=False) | {"overrides": "remove"}],
    )
    return random.choice(kinds)


def _with_variants(random: Random, segments: list[str]) -> list[dict[str, Any]]:
    shares = {each: share for each in VARIANTS if (share := random.choice((0, 10, 20, 33)))}
    kinds = (
        [allocate(shares)],
        [allocate(shares)],
        [enable(), allocate(shares)],
        [enable(random.choice(segments)), allocate(shares)],
        [allocate({random.choice(VARIANTS): 100})],
        [allocate({})],
        [enable(enabled=False)],
        [enable()],
    )
    return random.choice(kinds)


def fault(random: Random) -> Fault | None:
    """Draw a fault of a worker or the network, something that people do meanwhile, or none."""
    meanwhile = (*EDITS_MEANWHILE, *CONTROLS_MEANWHILE)
    return random.choice((None, fault_of_worker(random), _fault(random, *meanwhile), _fault(random, *meanwhile)))


def fault_of_worker(random: Random) -> Fault | None:
    """Draw a fault of a worker or the network, or none."""
    return random.choice((None, _fault(random, DIES), _fault(random, *BROKEN)))


def _fault(random: Random, *kinds: str) -> Fault:
    """Draw a fault. A change of one strategy takes four calls: read, add, switch, read."""
    return Fault(random.choice((1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6)), random.random() < 0.5, random.choice(kinds))
