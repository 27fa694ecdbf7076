"""A project with a flag in every state that the dashboard shows. A worker must be running."""

from typing import Any, NamedTuple

from tests.dashboard.experimented import add_experiment
from tests.dashboard.watched import add_watched
from tests.http import Api
from tests.pipelines import approval, enable, hold, pipeline, rollout, set_value, stage, window

FEATURES = {
    "one-page-checkout": "One-page checkout",
    "gift-cards": "Gift cards",
    "sale-banner": "Sale banner",
    "search-suggestions": "Search suggestions",
    "dark-mode": "Dark mode",
    "express-delivery": "Express delivery",
    "wish-lists": "Wish lists",
    "instant-search": "Instant search",
}


def _gated(built: dict[str, Any], *gates: dict[str, Any]) -> dict[str, Any]:
    return built | {"gates": list(gates)}


PROGRESSIVE = pipeline(
    stage("Development"),
    stage("Staging", "staging", "1s"),
    _gated(stage("Beta", "production", "1s", [enable("beta-users"), set_value("new", "beta-users")]), approval()),
    stage("Everyone", "production", "3d", [enable(), set_value("new")]),
    key="progressive",
    name="Progressive rollout",
    description="Development, staging, beta users once somebody approves, then everyone.",
)
PHASED = pipeline(stage("Staging", "staging"), stage("Production", "production", "1s", [rollout()]), key="phased", name="Phased rollout")
QUICK = pipeline(stage("Development"), hold("Soak", "1s", "development"), key="quick", name="Quick launch")
ERRORS = {"type": "THRESHOLD", "at_most": 0.01}
DRAFT = pipeline(
    stage("Staging", "staging"),
    _gated(stage("Production", "production", "2d", [rollout()]), approval(2), window("09:00", "16:00", "MON", "TUE", "WED", "THU")),
    key="weekly",
    name="Weekly release",
    guardrails=[{"name": "Errors", "metric": "error-rate", "condition": ERRORS, "stages": ["Production"], "on_breach": "rollback"}],
)
CAREFUL = pipeline(stage("Staging", "staging"), stage("Production", "production", "2d"), key="careful", name="Careful release")


class Shop(NamedTuple):
    """The project: feature -> release, and the key of a person who administers it and has added nothing."""

    releases: dict[str, str]
    key: str


def fill(api: Api, database_url: str) -> Shop:
    """Create the project, with each release in another state. The database is a SQLite file in the folder of metrics."""
    api.make_project()
    api.patch("/projects/shop", {"name": "Web shop"})
    for key, name in FEATURES.items():
        api.post("/projects/shop/features", {"key": key, "name": name, "default": {"enabled": False, "value": "classic"}})
    for definition in (PROGRESSIVE, PHASED, QUICK, CAREFUL):
        api.publish(definition)
    api.post("/projects/shop/pipelines", DRAFT)
    maria, noah = (api.make_key(name, {"project": "shop", "role": "admin"}) for name in ("maria", "noah"))
    added = {
        "one-page-checkout": maria.add("one-page-checkout", "progressive"),
        "sale-banner": maria.add("sale-banner", "progressive"),
        "search-suggestions": maria.add("search-suggestions", "phased"),
        "gift-cards": maria.add("gift-cards", "quick"),
        "dark-mode": maria.add("dark-mode", "careful"),
        "express-delivery": maria.add("express-delivery", "careful"),
    }
    releases = {feature: release["id"] for feature, release in added.items()}
    for feature in ("one-page-checkout", "sale-banner"):
        api.wait_for_stage(releases[feature], "Beta")
    noah.post(f"/projects/shop/releases/{releases['one-page-checkout']}/approve", {"reason": "Numbers look good"})
    api.wait_for_stage(releases["one-page-checkout"], "Everyone")
    api.wait_for_release(releases["gift-cards"], "completed")
    api.wait_for_stage(releases["dark-mode"], "Production")
    api.wait_for_stage(releases["express-delivery"], "Production")
    maria.post(f"/projects/shop/releases/{releases['dark-mode']}/pause", {"reason": "Until the designers are back"})
    releases["instant-search"] = add_watched(maria, database_url)
    releases["buy-button"] = add_experiment(maria, database_url)
    releases["wish-lists"] = _block(api, maria)
    api.wait_for_stage(releases["search-suggestions"], "Production")
    return Shop(releases, noah.client.headers["Authorization"].removeprefix("Bearer "))


def _block(api: Api, maria: Api) -> str:
    """Block a release by a change by hand that contradicts its next stage."""
    definition = stage("Production", "production", "1d", [set_value("new")])
    api.publish(pipeline(stage("Staging", "staging"), definition, key="valued", name="New value"))
    release = maria.add("wish-lists", "valued")["id"]
    api.wait_for_stage(release, "Production")
    api.patch("/projects/shop/environments/production/features/wish-lists", {"value": "changed by hand"})
    api.post(f"/projects/shop/releases/{release}/advance")
    api.wait_for_release(release, "blocked")
    return str(release)
