"""What the machine draws: pipelines, deeds, waits. Nothing drawn depends on what happened, so that a story can be told again."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.pipelines import approval, pipeline, rollout, stage, until, window
from tests.workflows.state_machine.flag_model import Deed
from tests.workflows.state_machine.gate_model import Asks, Gates, Opens
from tests.workflows.state_machine.model import EVERY, Rung

ENVIRONMENTS = ("development", "production")

_DEEDS = (
    Deed({"value": "one"}),
    Deed({"enabled": True, "value": "two"}),
    Deed({"enabled": False}),
    Deed({}, {"beta-users": {"enabled": True}}),
    Deed({"value": "one"}, {"beta-users": {"value": "two"}, "staff": {"enabled": True}}),
    Deed({"enabled": True}, clears=True),
)
_RAMP = (
    Deed({"rollout": {"percent": 40, "enabled": True, "value": "two"}}, {"staff": {"enabled": True}}),
    Deed({"rollout": {"percent": 80, "enabled": True, "value": "two"}}),
    Deed({"enabled": True, "value": "two", "rollout": None}),
)
IN_THE_WAY = Deed({"value": "by hand"}, {segment: {"enabled": False, "value": "by hand"} for segment in ("beta-users", "staff")})
_BY_HAND = (
    IN_THE_WAY,
    Deed({"value": "by hand"}),
    Deed({"value": "classic", "enabled": False}),
    Deed({"rollout": {"percent": 20, "enabled": True}}),
    Deed({}, {"beta-users": None}),
    Deed(clears=True),
)

_OPENS = (Opens(-47, 130), Opens(103, 40, "Asia/Kolkata"), Opens(222, 700, "Asia/Tokyo"), Opens(-13, 1300))
_ASKS = (Asks(1), Asks(2), Asks(2, own=True), Asks(1, within=97))
_GATES: tuple[Gates, ...] = (*((opens,) for opens in _OPENS), *((asks,) for asks in _ASKS), (_OPENS[1], _ASKS[0]), (_OPENS[0], _ASKS[2]))

_WHERE = st.sampled_from(ENVIRONMENTS)
_GUARDED = st.sampled_from(((),) * 8 + _GATES)
_RUNG = st.builds(
    Rung, _WHERE, st.sampled_from((60, 0, 120)), st.sampled_from([(deed,) for deed in _DEEDS] + [_RAMP]), st.just(False), _GUARDED
)
_HOLD = st.builds(Rung, _WHERE, st.sampled_from((60, 120)), st.just(()), st.just(False), _GUARDED)
_LAUNCH = st.builds(Rung, _WHERE, st.just(0), st.sampled_from([(), (_DEEDS[1],)]), st.just(True), _GUARDED)

ladders = st.lists(st.lists(_RUNG | _RUNG | _HOLD | _LAUNCH, min_size=2, max_size=5), min_size=2, max_size=3)
deeds_by_hand = st.sampled_from(_BY_HAND + _DEEDS)
numbers = st.integers(0, 11)
jumps = st.sampled_from((71, 37, 149, 1453))
"""In minutes. Their sums come no closer than a minute to those of the waits, so that it is clear what is due."""
seldom = st.integers(0, 5).map(lambda number: number == 5)


def definition_of(key: str, ladder: list[Rung], began: datetime) -> dict[str, Any]:
    """Rungs as a pipeline; their windows are counted from when the play began."""
    stages = (_stage_of(index, rung, began) for index, rung in enumerate(ladder))
    return pipeline(*stages, key=key, parameters={"launch-at": {"type": "datetime"}})


def name_of(index: int) -> str:
    """What a rung is called as a stage."""
    return f"Stage {index}"


def _stage_of(index: int, rung: Rung, began: datetime) -> dict[str, Any]:
    written = stage(name_of(index), rung.environment, f"{rung.wait}m" if rung.wait else None, _actions_of(rung.deeds))
    gates = [_gate_of(gate, began) for gate in rung.gates]
    return written | {"gates": gates} | ({"trigger": until(parameter="launch-at")} if rung.at_launch else {})


def _gate_of(gate: Opens | Asks, began: datetime) -> dict[str, Any]:
    if isinstance(gate, Asks):
        return approval(gate.people, allow_requester=gate.own, **({} if gate.within is None else {"timeout": f"{gate.within}m"}))
    opens = began.astimezone(ZoneInfo(gate.timezone)) + timedelta(minutes=gate.at)
    shuts = opens + timedelta(minutes=gate.lasts)
    return window(f"{opens:%H:%M}", f"{shuts:%H:%M}", timezone=gate.timezone)


def _actions_of(deeds: tuple[Deed, ...]) -> list[dict[str, Any]]:
    if deeds is _RAMP:
        return [rollout(40, 40, f"{EVERY}m", value="two"), *Deed(segments=_RAMP[0].segments).as_actions()]
    return deeds[0].as_actions() if deeds else []
