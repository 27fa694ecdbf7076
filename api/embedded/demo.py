"""The demo: a web shop with the template pipelines, shortened from days to seconds, and a phased rollout."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from api.embedded import demo_shop
from domain.instant import print_instant
from domain.pipelines.templates import ON, TEMPLATES

PROJECT = {"key": "webshop", "name": "Web shop"}

ENVIRONMENTS = [
    {"key": "development", "name": "Development"},
    {"key": "staging", "name": "Staging"},
    {"key": "production", "name": "Production"},
]


def _rules(property_: str, operator: str, value: str) -> list[dict[str, Any]]:
    return [{"type": "ALL", "rules": [], "conditions": [{"property": property_, "operator": operator, "value": value}]}]


SEGMENTS = [
    {"key": "beta-users", "name": "Beta users", "rules": _rules("beta", "EQUAL", "true")},
    {"key": "employees", "name": "Employees", "rules": _rules("email", "CONTAINS", "@webshop.example")},
]

FEATURES: list[dict[str, Any]] = [
    {"key": "one-page-checkout", "name": "One-page checkout", "description": "The whole checkout on one page."},
    {"key": "search-suggestions", "name": "Search suggestions", "description": "Suggestions while the user types."},
    {
        "key": "sale-banner",
        "name": "Sale banner",
        "description": "The text above the shop's pages.",
        "default": {"enabled": False, "value": "Welcome to the shop"},
    },
    {
        "key": "free-shipping-from",
        "name": "Free shipping from",
        "description": "The order value from which shipping is free.",
        "default": {"enabled": True, "value": 50},
    },
    {"key": demo_shop.PAYMENT, "name": "Instant payment", "description": "A new way to pay. It fails for some, which a guardrail notices."},
    {
        "key": demo_shop.BUTTON,
        "name": "Buy button",
        "description": "Its colour. An experiment finds the one with which more customers order.",
        "default": {"enabled": False, "value": "blue"},
        "variants": [{"key": demo_shop.GREEN, "value": "green"}],
    },
    {"key": "gift-cards", "name": "Gift cards", "description": "Not in a pipeline yet. Add it yourself."},
]


def _shortened(template: str, waits: dict[str, str], actions: dict[str, list[dict[str, Any]]] | None = None) -> dict[str, Any]:
    """Return a template with waits of seconds, and with additional actions by stage for flags that have a value."""
    definition = TEMPLATES[template].model_dump(mode="json")
    for stage in definition["stages"]:
        if wait := waits.get(stage["name"]):
            stage["trigger"] = {"type": "WAIT_FOR", "duration": wait}
        stage["actions"] += (actions or {}).get(stage["name"], [])
    return definition


def _value(value: str | int, segment: str | None = None) -> dict[str, Any]:
    if segment:
        return {"type": "UPDATE_FEATURE_VALUE_FOR_SEGMENT", "value": value, "segment": segment}
    return {"type": "UPDATE_FEATURE_VALUE", "value": value}


PIPELINES: list[dict[str, Any]] = [
    _shortened("progressive-rollout", {"Production beta": "8s", "Production": "12s"}),
    _shortened("scheduled-launch", {"Post-launch": "15s"}, {"Preparation": [_value("Summer sale: 20% off everything")]}),
    _shortened(
        "segment-trial",
        {"Segment": "5s", "Trial": "20s"},
        {"Set-up": [_value(40)], "Segment": [_value(40, "beta-users")], "Everyone": [_value(40)]},
    ),
    {
        "key": "phased-rollout",
        "name": "Phased rollout",
        "description": "Staging, then a growing share of all identities. A real rollout takes a day or two.",
        "stages": [
            {"name": "Staging", "environment": "staging", "trigger": {"type": "ON_ENTER"}, "actions": [ON]},
            {
                "name": "Production",
                "environment": "production",
                "trigger": {"type": "WAIT_FOR", "duration": "5s"},
                "actions": [{"type": "PHASED_ROLLOUT", "initial": 10, "step": 30, "every": "6s"}],
            },
        ],
    },
]

GUARDED: dict[str, Any] = {
    "key": "guarded-rollout",
    "name": "Guarded rollout",
    "description": "A growing share of all identities, for as long as few payments fail. Otherwise the flag is rolled back.",
    "stages": [
        {"name": "Staging", "environment": "staging", "trigger": {"type": "ON_ENTER"}, "actions": [ON]},
        {
            "name": "Production",
            "environment": "production",
            "trigger": {"type": "WAIT_FOR", "duration": "10s"},
            "actions": [{"type": "PHASED_ROLLOUT", "initial": 20, "step": 20, "every": "15s"}],
        },
        {"name": "Watch", "environment": "production", "trigger": {"type": "WAIT_FOR", "duration": "60s"}},
    ],
    "guardrails": [
        {
            "name": "Failed payments",
            "metric": demo_shop.FAILED_PAYMENTS["key"],
            "condition": {"type": "THRESHOLD", "at_most": 0.03},
            "stages": ["Production", "Watch"],
            "every": "5s",
            "failures": 2,
            "on_breach": "rollback",
        }
    ],
}

AB_TEST: dict[str, Any] = _shortened("ab-test", {})
AB_TEST["description"] = "Staging first, then a variant for half of production. The winner is ramped."
AB_TEST["stages"][1]["actions"][1]["allocation"] = {demo_shop.GREEN: 50}
AB_TEST["stages"][2]["trigger"] = {"type": "WAIT_FOR", "duration": "5s"}
AB_TEST["stages"][2]["actions"][0]["every"] = "10s"
AB_TEST["stages"][2]["gates"][0] |= {
    "variants": [demo_shop.GREEN],
    "planned": 1_000,
    "shortest": "30s",
    "decide_every": "10s",
    "longest": "30m",
    "every": "5s",
}

LAUNCH_DELAY = timedelta(seconds=20)


def releases(at: datetime) -> list[dict[str, Any]]:
    """Return the releases to add at this time."""
    launch_at = print_instant((at + LAUNCH_DELAY).replace(microsecond=0))
    return [
        {"feature": "one-page-checkout", "pipeline": "progressive-rollout"},
        {"feature": "sale-banner", "pipeline": "scheduled-launch", "parameters": {"launch_at": launch_at}},
        {"feature": "free-shipping-from", "pipeline": "segment-trial"},
        {"feature": "search-suggestions", "pipeline": "phased-rollout"},
        {"feature": demo_shop.PAYMENT, "pipeline": "guarded-rollout"},
        {"feature": demo_shop.BUTTON, "pipeline": "ab-test"},
    ]


class Demo(NamedTuple):
    """A complete project, in the form in which the API accepts it."""

    project: dict[str, Any]
    environments: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    features: list[dict[str, Any]]
    pipelines: list[dict[str, Any]]
    releases: Callable[[datetime], list[dict[str, Any]]]
    sources: tuple[dict[str, Any], ...] = ()
    metrics: tuple[dict[str, Any], ...] = ()
    connection: dict[str, Any] | None = None
    """The connection to the system in which its flags are kept, if that is another one."""

    @property
    def example_command(self) -> str:
        """The command that adds the flag that is not in a pipeline yet."""
        return f"releases add gift-cards progressive-rollout --project {self.project['key']}"


WEBSHOP = Demo(
    PROJECT,
    ENVIRONMENTS,
    SEGMENTS,
    FEATURES,
    [*PIPELINES, GUARDED, AB_TEST],
    releases,
    (demo_shop.SOURCE,),
    (demo_shop.FAILED_PAYMENTS, demo_shop.CONVERSION),
)
