"""The demo: a web shop with the three classic pipelines, their days cut down to seconds."""

from typing import Any, NamedTuple

PROJECT = {"key": "webshop", "name": "Web shop"}

ENVIRONMENTS = [
    {"key": "development", "name": "Development"},
    {"key": "staging", "name": "Staging"},
    {"key": "production", "name": "Production"},
]


def _who(property_: str, operator: str, value: str) -> list[dict[str, Any]]:
    return [{"type": "ALL", "rules": [], "conditions": [{"property": property_, "operator": operator, "value": value}]}]


SEGMENTS = [
    {"key": "beta-users", "name": "Beta users", "rules": _who("beta", "EQUAL", "true")},
    {"key": "employees", "name": "Employees", "rules": _who("email", "CONTAINS", "@webshop.example")},
]

FEATURES: list[dict[str, Any]] = [
    {"key": "one-page-checkout", "name": "One-page checkout", "description": "The whole checkout on one page."},
    {"key": "search-suggestions", "name": "Search suggestions", "description": "Suggestions while people type."},
    {
        "key": "sale-banner",
        "name": "Sale banner",
        "description": "The text above the shop's pages.",
        "default": {"enabled": False, "value": "Welcome to the shop"},
    },
    {
        "key": "free-shipping-from",
        "name": "Free shipping from",
        "description": "Orders of at least so much are sent for free.",
        "default": {"enabled": True, "value": 50},
    },
    {"key": "gift-cards", "name": "Gift cards", "description": "Not on its way yet: add it to a pipeline yourself."},
]


def _stage(name: str, environment: str, wait: str | None, *actions: dict[str, Any]) -> dict[str, Any]:
    trigger = {"type": "WAIT_FOR", "duration": wait} if wait else {"type": "ON_ENTER"}
    return {"name": name, "environment": environment, "trigger": trigger, "actions": list(actions)}


_ON = {"type": "TOGGLE_FEATURE", "enabled": True}
_OFF = {"type": "TOGGLE_FEATURE", "enabled": False}
_ON_AND_NO_OVERRIDES = _ON | {"overrides": "remove"}


def _on_for(segment: str) -> dict[str, Any]:
    return {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "segment": segment, "enabled": True}


def _value(value: str | int, **more: str) -> dict[str, Any]:
    for_whom = "UPDATE_FEATURE_VALUE_FOR_SEGMENT" if "segment" in more else "UPDATE_FEATURE_VALUE"
    return {"type": for_whom, "value": value, **more}


PIPELINES: list[dict[str, Any]] = [
    {
        "key": "progressive-rollout",
        "name": "Progressive rollout",
        "description": "Development, staging, a beta segment in production, then everyone. A real one soaks for days.",
        "stages": [
            _stage("Development", "development", None, _ON),
            _stage("Staging", "staging", "3s", _ON),
            _stage("Production beta", "production", "8s", _on_for("beta-users")),
            _stage("Production", "production", "12s", _ON_AND_NO_OVERRIDES),
            _stage("Watch", "production", "10s"),
        ],
    },
    {
        "key": "scheduled-launch",
        "name": "Scheduled launch",
        "description": "The value is set while the flag is off; later it goes on for everyone.",
        "stages": [
            _stage("Preparation", "production", None, _OFF, _value("Summer sale: 20 % off everything")),
            _stage("Launch", "production", "20s", _ON),
            _stage("Post-launch", "production", "15s"),
        ],
    },
    {
        "key": "segment-trial",
        "name": "Trial on a segment",
        "description": "A new value is tried on employees before everyone gets it.",
        "stages": [
            _stage("Set-up", "staging", None, _value(40)),
            _stage("Employees", "production", "5s", _value(40, segment="employees")),
            _stage("Trial", "production", "20s"),
            _stage("Everyone", "production", None, _value(40, overrides="remove")),
        ],
    },
]

RELEASES = [
    {"feature": "one-page-checkout", "pipeline": "progressive-rollout"},
    {"feature": "sale-banner", "pipeline": "scheduled-launch"},
    {"feature": "free-shipping-from", "pipeline": "segment-trial"},
    {"feature": "search-suggestions", "pipeline": "progressive-rollout", "starting_stage": "Staging"},
]

TRY = "releases add gift-cards progressive-rollout --project webshop"


class Demo(NamedTuple):
    """A project, whole, as it is sent to the API."""

    project: dict[str, Any]
    environments: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    features: list[dict[str, Any]]
    pipelines: list[dict[str, Any]]
    releases: list[dict[str, Any]]


WEBSHOP = Demo(PROJECT, ENVIRONMENTS, SEGMENTS, FEATURES, PIPELINES, RELEASES)
