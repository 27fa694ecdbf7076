"""Drawn values: pipelines, edits and waits. They never depend on earlier results, so that an example can be repeated."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.activities.experimenting import experiment
from tests.pipelines import approval, pipeline, rollout, ship_winner, stage, until, window
from tests.workflows.state_machine.flag_model import Edit
from tests.workflows.state_machine.gate_model import ApprovalModel, WindowModel
from tests.workflows.state_machine.guard_model import EVERY as SAMPLED_EVERY
from tests.workflows.state_machine.guard_model import FIRST_DECISION, CheckModel, ExperimentModel, GuardrailModel, MetricModel, SampledGate
from tests.workflows.state_machine.model import EVERY
from tests.workflows.state_machine.stage_model import Gates, StageModel

ENVIRONMENTS = ("development", "production")

_EDITS = (
    Edit({"value": "one"}),
    Edit({"enabled": True, "value": "two"}),
    Edit({"enabled": False}),
    Edit({}, {"beta-users": {"enabled": True}}),
    Edit({"value": "one"}, {"beta-users": {"value": "two"}, "staff": {"enabled": True}}),
    Edit({"enabled": True}, removes_overrides=True),
    Edit({"allocation": {"one-page": 30}}),
    Edit({"enabled": True, "allocation": {"one-page": 20, "two-pages": 50.5}}),
    Edit({"value": "one", "allocation": {"two-pages": 60, "video": 40}}),
    Edit({"allocation": {"video": 5}}, {"beta-users": {"allocation": {"one-page": 100}}, "staff": {"value": "two", "allocation": {}}}),
    Edit({"enabled": True, "allocation": {}}, removes_overrides=True),
)
_SPLITS = (
    Edit({"enabled": True, "allocation": {"one-page": 20, "two-pages": 50.5}}),
    Edit({"allocation": {"one-page": 10, "two-pages": 15, "video": 33.33}}),
)
_RAMP = (
    Edit({"rollout": {"percent": 40, "enabled": True, "value": "two"}}, {"staff": {"enabled": True}}),
    Edit({"rollout": {"percent": 80, "enabled": True, "value": "two"}}),
    Edit({"enabled": True, "value": "two", "rollout": None}),
)
_SHARES_BY_HAND = {"one-page": 12.25, "video": 7}
_OVERRIDE_BY_HAND = {"enabled": False, "value": "by hand", "allocation": _SHARES_BY_HAND}
CONFLICTING = Edit({"value": "by hand", "allocation": _SHARES_BY_HAND}, dict.fromkeys(("beta-users", "staff"), _OVERRIDE_BY_HAND))
_BY_HAND = (
    CONFLICTING,
    Edit({"value": "by hand"}),
    Edit({"value": "classic", "enabled": False}),
    Edit({"rollout": {"percent": 20, "enabled": True}}),
    Edit({}, {"beta-users": None}),
    Edit({"allocation": {"two-pages": 45}}, {"beta-users": {"allocation": None}}),
    Edit({}, {"staff": {"allocation": {"one-page": 50, "two-pages": 50}}}),
    Edit(removes_overrides=True),
)

_WINDOWS = (WindowModel(-47, 130), WindowModel(103, 40, "Asia/Kolkata"), WindowModel(222, 700, "Asia/Tokyo"), WindowModel(-13, 1300))
_APPROVALS = (ApprovalModel(1), ApprovalModel(2), ApprovalModel(2, own=True), ApprovalModel(1, within=97))
_GATES: tuple[Gates, ...] = (
    *((each,) for each in _WINDOWS),
    *((each,) for each in _APPROVALS),
    (_WINDOWS[1], _APPROVALS[0]),
    (_WINDOWS[0], _APPROVALS[2]),
    (MetricModel("errors"),),
    (MetricModel("speed", passing_for=60),),
    (CheckModel(),),
    (ExperimentModel(),),
    (_APPROVALS[0], MetricModel("errors", passing_for=60), CheckModel()),
)
_GUARDS = (
    GuardrailModel("Errors", "errors", 2, "rollback"),
    GuardrailModel("Slow", "speed", 1, "pause"),
    GuardrailModel("Patient", "errors", 3, "pause"),
    GuardrailModel("Told", "errors", 1, "notify"),
    GuardrailModel("Shadow", "errors", 1, "rollback", shadow=True),
    GuardrailModel("Back", "speed", 2, "rollback", to_first=True),
    GuardrailModel("At once", "speed", 1, "rollback"),
)
_GUARDED = ((), (), (), *((each,) for each in _GUARDS), _GUARDS[1:5], (_GUARDS[0], _GUARDS[3]), (_GUARDS[1], _GUARDS[5]))
"""The guardrails of one stage, in the order of `_GUARDS`."""

ENOUGH = {"type": "THRESHOLD", "at_most": 0.01}

_environments = st.sampled_from(ENVIRONMENTS)
_gates = st.sampled_from(((),) * 10 + _GATES)
_guards = st.sampled_from(_GUARDED)
_NOTHING = st.just(())
_acting = st.builds(
    StageModel,
    _environments,
    st.sampled_from((60, 0, 120)),
    st.sampled_from([(edit,) for edit in _EDITS] + [_RAMP]),
    st.just(False),
    _gates,
    _guards,
    _NOTHING,
)
_holds = st.builds(StageModel, _environments, st.sampled_from((60, 120)), _NOTHING, st.just(False), _gates, _guards, _NOTHING)
_shipping = st.builds(
    StageModel,
    _environments,
    st.sampled_from((60, 0)),
    _NOTHING,
    st.just(False),
    st.sampled_from(((ExperimentModel(),), (ExperimentModel(),), ())),
    _guards,
    st.sampled_from(((100,), (40, 75.5, 100))),
)
_launches = st.builds(StageModel, _environments, st.just(0), st.sampled_from([(), (_EDITS[1],)]), st.just(True), _gates, _guards, _NOTHING)


def guarded(stages: list[StageModel]) -> list[StageModel]:
    """Return the stages without a guardrail in the first one that would return to it."""
    first = stages[0]._replace(guards=tuple(each for each in stages[0].guards if not each.to_first))
    return [first, *stages[1:]]


_stages = st.lists(_acting | _acting | _holds | _launches | _shipping, min_size=2, max_size=5)
_splits = st.sampled_from([(each,) for each in _SPLITS])
_trials = st.builds(
    lambda splits, ship, later: [StageModel(ship.environment, 0, splits), ship, *later], _splits, _shipping, st.lists(_holds, max_size=1)
)
pipelines = st.lists((_stages | _trials).map(guarded), min_size=2, max_size=3)
outcomes = st.sampled_from(("fail", "fail", "pass", "unknown"))
edits_by_hand = st.sampled_from(_BY_HAND + _EDITS)
numbers = st.integers(0, 11)
jumps = st.sampled_from((71, 37, 149, 1453))
"""In minutes. Their sums come no closer than a minute to those of the waits, so that it is clear what is due."""
rarely = st.integers(0, 5).map(lambda number: number == 5)


def definition_of(key: str, stages: list[StageModel], started_at: datetime) -> dict[str, Any]:
    """Return the stages as a pipeline whose windows are relative to the start of the machine."""
    written = (_stage_of(index, each, started_at) for index, each in enumerate(stages))
    guardrails = [_guardrail_of(each, names) for each in _GUARDS if (names := _names_watched_by(each, stages))]
    return pipeline(*written, key=key, parameters={"launch-at": {"type": "datetime"}}, guardrails=guardrails)


def name_of(index: int) -> str:
    """Return the name of a stage."""
    return f"Stage {index}"


def _stage_of(index: int, model: StageModel, started_at: datetime) -> dict[str, Any]:
    written = stage(name_of(index), model.environment, f"{model.wait}m" if model.wait else None, _actions_of(model))
    gates = [_gate_of(gate, started_at) for gate in model.gates]
    return written | {"gates": gates} | ({"trigger": until(parameter="launch-at")} if model.at_launch else {})


def _names_watched_by(guardrail: GuardrailModel, stages: list[StageModel]) -> list[str]:
    return [name_of(index) for index, each in enumerate(stages) if guardrail in each.guards]


def _guardrail_of(guardrail: GuardrailModel, names: list[str]) -> dict[str, Any]:
    written = {"name": guardrail.name, "metric": guardrail.metric, "condition": ENOUGH, "stages": names, "every": f"{SAMPLED_EVERY}m"}
    back = {"to_stage": name_of(0)} if guardrail.to_first else {}
    return written | back | {"failures": guardrail.failures, "on_breach": guardrail.on_breach, "shadow": guardrail.shadow}


def _gate_of(gate: WindowModel | ApprovalModel | SampledGate, started_at: datetime) -> dict[str, Any]:
    if isinstance(gate, MetricModel):
        passing_for = {"passing_for": f"{gate.passing_for}m"} if gate.passing_for else {}
        return {"type": "METRIC", "metric": gate.metric, "condition": ENOUGH, "every": f"{SAMPLED_EVERY}m"} | passing_for
    if isinstance(gate, CheckModel):
        return {"type": "CHECK", "source": gate.metric, "path": "/ready", "every": f"{SAMPLED_EVERY}m"}
    if isinstance(gate, ExperimentModel):
        return experiment(longest=f"{gate.longest}m", every=f"{SAMPLED_EVERY}m", shortest="0s", decide_every=f"{FIRST_DECISION}m")
    if isinstance(gate, ApprovalModel):
        return approval(gate.people, allow_requester=gate.own, **({} if gate.within is None else {"timeout": f"{gate.within}m"}))
    opens = started_at.astimezone(ZoneInfo(gate.timezone)) + timedelta(minutes=gate.at)
    closes = opens + timedelta(minutes=gate.lasts)
    return window(f"{opens:%H:%M}", f"{closes:%H:%M}", timezone=gate.timezone)


def _actions_of(model: StageModel) -> list[dict[str, Any]]:
    if model.edits is _RAMP:
        return [rollout(40, 40, f"{EVERY}m", value="two"), *Edit(segments=_RAMP[0].segments).as_actions()]
    if len(model.ships) > 1:
        return [ship_winner(model.ships[0], model.ships[1] - model.ships[0], f"{EVERY}m")]
    if model.ships:
        return [{"type": "SHIP_WINNER"}]
    return model.edits[0].as_actions() if model.edits else []
