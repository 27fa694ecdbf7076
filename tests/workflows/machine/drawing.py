"""What the machine draws: pipelines, deeds, waits. Nothing drawn depends on what happened, so that a story can be told again."""

from typing import Any

from hypothesis import strategies as st

from tests.pipelines import pipeline, stage
from tests.workflows.machine.flag_model import Deed
from tests.workflows.machine.model import Rung

ENVIRONMENTS = ("development", "production")

_DEEDS = (
    Deed({"value": "one"}),
    Deed({"enabled": True, "value": "two"}),
    Deed({"enabled": False}),
    Deed({}, {"beta-users": {"enabled": True}}),
    Deed({"value": "one"}, {"beta-users": {"value": "two"}, "staff": {"enabled": True}}),
    Deed({"enabled": True}, clears=True),
)
_BY_HAND = (
    Deed({"value": "by hand"}),
    Deed({"value": "classic", "enabled": False}),
    Deed({}, {"beta-users": {"enabled": False}, "staff": {"value": "by hand"}}),
    Deed({}, {"beta-users": None}),
    Deed(clears=True),
)

_RUNG = st.builds(Rung, st.sampled_from(ENVIRONMENTS), st.sampled_from((60, 0, 120)), st.sampled_from(_DEEDS))
_HOLD = st.builds(Rung, st.sampled_from(ENVIRONMENTS), st.sampled_from((60, 120)), st.none())

ladders = st.lists(st.lists(_RUNG | _HOLD, min_size=2, max_size=5), min_size=2, max_size=3)
deeds_by_hand = st.sampled_from(_BY_HAND + _DEEDS)
numbers = st.integers(0, 11)
jumps = st.sampled_from((71, 37, 149))
"""In minutes. Their sums come no closer than a minute to those of the waits, so that it is clear what is due."""
seldom = st.integers(0, 5).map(lambda number: number == 5)


def definition_of(key: str, ladder: list[Rung]) -> dict[str, Any]:
    """Rungs as a pipeline."""
    return pipeline(*(_stage_of(index, rung) for index, rung in enumerate(ladder)), key=key)


def name_of(index: int) -> str:
    """What a rung is called as a stage."""
    return f"Stage {index}"


def _stage_of(index: int, rung: Rung) -> dict[str, Any]:
    actions = rung.deed.as_actions() if rung.deed else []
    return stage(name_of(index), rung.environment, f"{rung.wait}m" if rung.wait else None, actions)
