"""A project of Flagsmith with one of everything that people can make there, and users who are told apart by it."""

from typing import Any

from tests.flagsmith.project import BOTH, PLAIN, VERSIONED, ShopInFlagsmith

USERS: dict[str, dict[str, Any]] = {
    "ann": {"plan": "pro", "age": 17, "version": "1.9.0", "mail": "ann@acme.example"},
    "bob": {"plan": "free", "age": 40, "version": "2.0.0", "mail": "bob@other.example"},
    "eve": {"plan": "team", "age": 18, "version": "2.1.0", "mail": "eve@acme.example"},
    "joe": {"plan": "pro", "age": 27, "tester": True},
    "zoe": {},
}

CONDITIONS = {
    "equal": ("plan", "EQUAL", "pro"),
    "equal-number": ("age", "EQUAL", "18"),
    "equal-boolean": ("tester", "EQUAL", "true"),
    "not-equal": ("plan", "NOT_EQUAL", "pro"),
    "greater": ("age", "GREATER_THAN", "18"),
    "at-least": ("age", "GREATER_THAN_INCLUSIVE", "18"),
    "less": ("age", "LESS_THAN", "18"),
    "at-most": ("age", "LESS_THAN_INCLUSIVE", "18"),
    "newer": ("version", "GREATER_THAN", "1.9.0:semver"),
    "contains": ("mail", "CONTAINS", "@acme"),
    "not-contains": ("mail", "NOT_CONTAINS", "@acme"),
    "regex": ("mail", "REGEX", r"[a-z]+@acme\.example$"),
    "modulo": ("age", "MODULO", "10|7"),
    "set": ("plan", "IS_SET", ""),
    "not-set": ("plan", "IS_NOT_SET", ""),
    "in": ("plan", "IN", "pro,team"),
    "in-array": ("plan", "IN", '["free", "team"]'),
    "identifier": ("$.identity.identifier", "EQUAL", "eve"),
    "everyone": (None, "PERCENTAGE_SPLIT", "100"),
}


def rule(kind: str, *conditions: tuple[str | None, str, str]) -> dict[str, Any]:
    """Conditions in the form that the dashboard of Flagsmith gives them."""
    inner = [{"property": name, "operator": operator, "value": value} for name, operator, value in conditions]
    return {"type": "ALL", "conditions": [], "rules": [{"type": kind, "rules": [], "conditions": inner}]}


def with_segments(shop: ShopInFlagsmith) -> None:
    """Create a segment of each kind, with a feature that only it gets, in the environment without versions."""
    pro, adult = CONDITIONS["equal"], CONDITIONS["at-least"]
    none_or_both = {"neither": [rule("NONE", pro, adult)], "either": [rule("ANY", pro, adult)]}
    both = rule("ANY", pro)["rules"] + rule("ANY", adult)["rules"]
    nested = {"both": [{"type": "ALL", "conditions": [], "rules": both}]}
    for name, rules in {**{name: [rule("ANY", each)] for name, each in CONDITIONS.items()}, **none_or_both, **nested}.items():
        feature = shop.feature(f"for-{name}", "default")
        shop.override(PLAIN, feature, shop.rules(name, *rules), 0, f"for {name}")


def with_values(shop: ShopInFlagsmith) -> None:
    """Create features of each type, with states that differ between the environments."""
    for name, initial, later in (
        ("toggle", None, None),
        ("text", "a", "ä\n1"),
        ("number", 1, -5),
        ("switch", True, False),
        ("blank", "", ""),
    ):
        shop.feature(name, initial, description=f"The {name}")
        shop.apply(name, VERSIONED, enabled=True, value=later)
    shop.feature("on-at-first", default_enabled=True)
    only = {"type": "unicode", "string_value": "b", "default_percentage_allocation": 100}
    shop.feature("all-b", "a", default_enabled=True, multivariate_options=[only])


def with_overrides(shop: ShopInFlagsmith) -> None:
    """Create overrides in both environments: ordered, that disable, of other types than the default, and of a single feature."""
    adults, team = shop.rules("Adults", rule("ANY", CONDITIONS["at-least"])), shop.rules("Team", rule("ANY", CONDITIONS["in"]))
    ordered, off, later = shop.feature("ordered", "default"), shop.feature("off-for-adults"), shop.feature("value-for-team")
    own = shop.rules("Only here", rule("ANY", CONDITIONS["less"]), feature=ordered)
    for environment, order in ((PLAIN, (own, team, adults)), (VERSIONED, (adults, own, team))):
        for priority, segment in enumerate(order):
            shop.override(environment, ordered, segment, priority, f"{environment} {order.index(segment)}")
        shop.apply("off-for-adults", environment, enabled=True)
        shop.override(environment, off, adults, 0, None, enabled=False)
        shop.override(environment, later, team, 0, 7)


def with_variants(shop: ShopInFlagsmith) -> None:
    """Create features that are split into variants, for everyone and for a segment, and give one of the variants a key."""
    part = {"type": "unicode", "default_percentage_allocation": 30}
    split = shop.feature("split", "a", default_enabled=True, multivariate_options=[part | {"string_value": "c"}])
    with_key = part | {"feature": split, "string_value": "b", "key": "Bigger"}
    shop.call("POST", f"/projects/{shop.id}/features/{split}/mv-options/", with_key)
    only = {"type": "int", "integer_value": 7, "default_percentage_allocation": 100}
    for_team = shop.feature("for-team", 1, default_enabled=True, multivariate_options=[only | {"default_percentage_allocation": 0}])
    option = shop.call("GET", f"/projects/{shop.id}/features/{for_team}/mv-options/")["results"][0]["id"]
    team = shop.rules("Team", rule("ANY", CONDITIONS["in"]))
    for environment in BOTH:
        shop.override(environment, for_team, team, 0, 2, shares={option: 100})


def with_remarks(shop: ShopInFlagsmith) -> None:
    """Create what can't be copied as it is."""
    odd = [{"type": "int", "integer_value": 5, "default_percentage_allocation": 33.333}]
    shop.feature("split", "a", multivariate_options=odd)
    mixed, halved, secret, old = (
        shop.feature(name, initial) for name, initial in (("mixed", "a"), ("halved", None), ("secret", None), ("old", None))
    )
    shop.override(PLAIN, mixed, shop.segments["beta"], 0, 5)
    shop.override(PLAIN, halved, shop.rules("Half", rule("ANY", (None, "PERCENTAGE_SPLIT", "50"))), 0, None)
    shop.override(PLAIN, halved, shop.rules("Odd", rule("ANY", ("plan", "REGEX", "(?#a)b"))), 1, None)
    shop.identity(PLAIN, "ann", shop.feature("for-one"))
    shop.call("PATCH", f"/projects/{shop.id}/features/{secret}/", {"is_server_key_only": True})
    shop.call("PATCH", f"/projects/{shop.id}/features/{old}/", {"is_archived": True})
    shop.call("PATCH", f"/environments/{shop.environments[PLAIN]['api_key']}/", {"hide_disabled_flags": True})
