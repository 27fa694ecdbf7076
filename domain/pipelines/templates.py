"""The classic pipelines, to begin with: drafted by name, and changed from there."""

from collections.abc import Mapping
from typing import Any

from domain.errors import Invalid, Problem
from domain.pipelines.pipeline import PipelineDefinition
from domain.suggestion import did_you_mean

ON = {"type": "TOGGLE_FEATURE", "enabled": True}
ON_WITHOUT_OVERRIDES = {**ON, "overrides": "remove"}
ON_FOR_BETA = {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "segment": "beta-users", "enabled": True}


def _after(duration: str | None) -> dict[str, Any]:
    return {"type": "WAIT_FOR", "duration": duration} if duration else {"type": "ON_ENTER"}


def _stage(name: str, environment: str, wait: str | None, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "environment": environment, "trigger": _after(wait), "actions": list(actions)}


_WRITTEN: list[dict[str, Any]] = [
    {
        "key": "progressive-rollout",
        "name": "Progressive rollout",
        "description": "Development and staging at once; after a day of soak a segment in production, after two more days everyone.",
        "stages": [
            _stage("Development", "development", None, ON),
            _stage("Staging", "staging", None, ON),
            _stage("Production beta", "production", "24h", ON_FOR_BETA),
            _stage("Production", "production", "48h", ON_WITHOUT_OVERRIDES),
        ],
    },
    {
        "key": "scheduled-launch",
        "name": "Scheduled launch",
        "description": "Off until the launch time, then on for everyone; two days to watch, to advance or to roll back.",
        "parameters": {"launch_at": {"type": "datetime", "description": "when the flag goes on"}},
        "stages": [
            _stage("Preparation", "production", None, {**ON, "enabled": False}),
            {
                **_stage("Launch", "production", None, ON),
                "trigger": {"type": "WAIT_UNTIL", "at_from": {"parameter": "launch_at"}},
            },
            _stage("Post-launch", "production", "2d"),
        ],
    },
    {
        "key": "segment-trial",
        "name": "Trial on a segment",
        "description": "Staging first; a day later a small segment in production for two weeks; then everyone, or back.",
        "stages": [
            _stage("Set-up", "staging", None, ON),
            _stage("Segment", "production", "24h", ON_FOR_BETA),
            _stage("Trial", "production", "14d"),
            _stage("Everyone", "production", None, ON_WITHOUT_OVERRIDES),
        ],
    },
]

TEMPLATES: Mapping[str, PipelineDefinition] = {written["key"]: PipelineDefinition.model_validate(written) for written in _WRITTEN}
"""Name -> definition. Soak times are those of docs/guide/designing.md."""


def from_template(
    template: str, key: str | None, name: str | None, environments: Mapping[str, str], segments: Mapping[str, str]
) -> PipelineDefinition:
    """A template under another key and name, in one's own environments and for one's own segments. Raises Invalid."""
    if template not in TEMPLATES:
        message = f"There is no template '{template}': there are {', '.join(TEMPLATES)}.{did_you_mean(template, TEMPLATES)}"
        raise _unknown("/template", message)
    written = TEMPLATES[template].copied(key, name).model_dump(mode="json")
    places = {
        "environments": (environments, {stage["environment"] for stage in written["stages"]}),
        "segments": (segments, {action["segment"] for stage in written["stages"] for action in stage["actions"] if "segment" in action}),
    }
    for field, (renamed, known) in places.items():
        if unknown := sorted(renamed.keys() - known):
            names = ", ".join(sorted(known)) or "none"
            message = f"The template names no '{unknown[0]}': it names {names}.{did_you_mean(unknown[0], known)}"
            raise _unknown(f"/{field}/{unknown[0]}", message)
    for stage in written["stages"]:
        stage["environment"] = environments.get(stage["environment"], stage["environment"])
        for action in stage["actions"]:
            if "segment" in action:
                action["segment"] = segments.get(action["segment"], action["segment"])
    return PipelineDefinition.model_validate(written)


def _unknown(pointer: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code="not_found", message=message),))
