"""Fills in the form of a pipeline: its definition as a sheet."""

from typing import Any

from api.dashboard.editor.sheet import Sheet, blank_action, blank_parameter, blank_trigger
from api.dashboard.editor.watching import blank_check, blank_experiment, blank_guardrail, blank_metric_gate, filled
from api.dashboard.texts import duration_text
from api.dashboard.variant_lines import share_lines
from domain.duration import parse_duration
from domain.metrics.condition import NotWorse
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.gate import ApprovalGate, CheckGate, MetricGate
from domain.pipelines.guardrail import Guardrail
from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.window import Day, WindowGate

AT_PARAMETER = "WAIT_UNTIL_PARAMETER"
"""The choice in the form for WAIT_UNTIL with a time that is given when a flag is added."""


_SAMPLING = {"METRIC": blank_metric_gate, "CHECK": blank_check, "EXPERIMENT": blank_experiment}


def knows_all_of(definition: PipelineDefinition) -> bool:
    """True if the form knows every gate of a definition, and its fields can have the names of all groups."""
    gates = [gate for stage in definition.stages for gate in stage.gates]
    conditions = [each.condition for each in (*definition.guardrails, *gates) if isinstance(each, Guardrail | MetricGate)]
    groups = [name for each in conditions if isinstance(each, NotWorse) for name in (each.group, each.than)]
    known = all(isinstance(gate, ApprovalGate | WindowGate | MetricGate | CheckGate | ExperimentGate) for gate in gates)
    return known and not any("\n" in name for name in groups)


def sheet_of(definition: PipelineDefinition) -> Sheet:
    """Return the sheet of a definition."""
    document = definition.model_dump(mode="json")
    parameters = [_parameter(name, each) for name, each in document["parameters"].items()]
    guardrails = [filled(blank_guardrail(), each) for each in document.get("guardrails", ())]
    texts = {name: document[name] for name in ("key", "name", "description", "on_conflict")}
    return texts | {"parameters": parameters, "stages": [_stage(each) for each in document["stages"]], "guardrails": guardrails}


def value_text(value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _parameter(name: str, parameter: dict[str, Any]) -> Sheet:
    return blank_parameter() | parameter | {"name": name, "default": value_text(parameter.get("default"))}


def _stage(stage: dict[str, Any]) -> Sheet:
    lists = {"gates": [_gate(each) for each in stage["gates"]], "actions": [_action(each) for each in stage["actions"]]}
    return {name: stage[name] for name in ("name", "description", "environment")} | {"trigger": _trigger(stage["trigger"])} | lists


def _trigger(trigger: dict[str, Any]) -> Sheet:
    typed = blank_trigger() | {name: text for name, text in trigger.items() if isinstance(text, str)}
    if "duration" in trigger:
        typed["duration"] = _duration_text(trigger["duration"])
    if "at_from" in trigger:
        typed |= {"type": AT_PARAMETER, "parameter": trigger["at_from"]["parameter"]}
    return typed


def _gate(gate: dict[str, Any]) -> Sheet:
    if gate["type"] == "WINDOW":
        return gate | {
            "ranges": [each | {"days": {day.value: "on" if day in each["days"] else "" for day in Day}} for each in gate["ranges"]]
        }
    if gate["type"] in _SAMPLING:
        return filled(_SAMPLING[gate["type"]](), gate)
    timeout = _duration_text(gate["timeout"]) if "timeout" in gate else ""
    return gate | {"approvals": str(gate["approvals"]), "allow_requester": "on" if gate["allow_requester"] else "", "timeout": timeout}


def _action(action: dict[str, Any]) -> Sheet:
    typed = blank_action() | {name: value_text(value) for name, value in action.items() if name != "value_from"}
    typed["value_type"] = _value_type(action)
    if "allocation" in action:
        typed["allocation"] = share_lines(action["allocation"])
    if "every" in action:
        typed["every"] = _duration_text(action["every"])
    if "value_from" in action:
        typed["parameter"] = action["value_from"]["parameter"]
    return typed


def _value_type(action: dict[str, Any]) -> str:
    if "value_from" in action:
        return "parameter"
    if "value" not in action:
        return ""
    match action["value"]:
        case None:
            return "none"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case _:
            return "string"


def _duration_text(duration: str) -> str:
    """Return a duration in its short form: `1d12h`."""
    return duration_text(parse_duration(duration))
