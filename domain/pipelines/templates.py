"""Templates: common pipelines to draft by name and then change."""

from collections.abc import Mapping
from typing import Any

from domain.errors import Invalid, Problem
from domain.pipelines.pipeline import PipelineDefinition
from domain.text import did_you_mean

ON = {"type": "TOGGLE_FEATURE", "enabled": True}
ON_WITHOUT_OVERRIDES = {**ON, "overrides": "remove"}
ON_FOR_BETA = {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "segment": "beta-users", "enabled": True}


def _after(duration: str | None) -> dict[str, Any]:
    return {"type": "WAIT_FOR", "duration": duration} if duration else {"type": "ON_ENTER"}


def _stage(name: str, environment: str, wait: str | None, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "environment": environment, "trigger": _after(wait), "actions": list(actions)}


_EXPERIMENT: dict[str, Any] = {
    "type": "EXPERIMENT",
    "metric": "conversion",
    "variants": ["treatment"],
    "planned": 20_000,
    "shortest": "14d",
    "decide_every": "7d",
    "longest": "28d",
}

_DOCUMENTS: list[dict[str, Any]] = [
    {
        "key": "progressive-rollout",
        "name": "Progressive rollout",
        "description": "Development and staging at once, a segment in production a day later, everyone two days after that.",
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
        "description": "Off until the launch time, then on for everyone. Then two days to watch, advance or roll back.",
        "parameters": {"launch_at": {"type": "datetime", "description": "when to enable the flag"}},
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
        "description": "Staging first, a day later a small segment in production for two weeks, then everyone unless you roll back.",
        "stages": [
            _stage("Set-up", "staging", None, ON),
            _stage("Segment", "production", "24h", ON_FOR_BETA),
            _stage("Trial", "production", "14d"),
            _stage("Everyone", "production", None, ON_WITHOUT_OVERRIDES),
        ],
    },
    {
        "key": "ab-test",
        "name": "A/B test",
        "description": "Staging first, then a variant for half of production, for two to four weeks. The winner is ramped.",
        "stages": [
            _stage("Set-up", "staging", None, ON),
            _stage("Split", "production", None, ON, {"type": "ALLOCATE_VARIANTS", "allocation": {"treatment": 50}}),
            {
                **_stage("Winner", "production", None, {"type": "SHIP_WINNER", "initial": 75, "step": 25, "every": "24h"}),
                "gates": [_EXPERIMENT],
            },
        ],
    },
]

TEMPLATES: Mapping[str, PipelineDefinition] = {document["key"]: PipelineDefinition.model_validate(document) for document in _DOCUMENTS}
"""Name -> definition. docs/guide/designing.md names the same waiting times."""


def from_template(
    template: str, key: str | None, name: str | None, environments: Mapping[str, str], segments: Mapping[str, str]
) -> PipelineDefinition:
    """Return a template under a new key and name, with its environments and segments replaced. Raises Invalid."""
    if template not in TEMPLATES:
        message = f"Unknown template '{template}': choose one of {', '.join(TEMPLATES)}.{did_you_mean(template, TEMPLATES)}"
        raise _unknown("/template", message)
    document = TEMPLATES[template].copied(key, name).model_dump(mode="json")
    replacements = {
        "environments": (environments, {stage["environment"] for stage in document["stages"]}),
        "segments": (segments, {action["segment"] for stage in document["stages"] for action in stage["actions"] if "segment" in action}),
    }
    for field, (renamed, known) in replacements.items():
        if unknown := sorted(renamed.keys() - known):
            message = f"The template has no {field.removesuffix('s')} '{unknown[0]}': it has {', '.join(sorted(known)) or 'none'}."
            raise _unknown(f"/{field}/{unknown[0]}", message + did_you_mean(unknown[0], known))
    for stage in document["stages"]:
        stage["environment"] = environments.get(stage["environment"], stage["environment"])
        for action in stage["actions"]:
            if "segment" in action:
                action["segment"] = segments.get(action["segment"], action["segment"])
    return PipelineDefinition.model_validate(document)


def _unknown(pointer: str, message: str) -> Invalid:
    return Invalid(message, problems=(Problem(pointer=pointer, code="not_found", message=message),))
