"""Rules that SDKs evaluate differently, although they are served in the form that is read most alike."""

import json
from typing import Any, NamedTuple

TRAIT = "trait"


def condition(operator: str, value: str | None, about: str = TRAIT) -> dict[str, Any]:
    """One condition."""
    return {"property": about, "operator": operator, "value": value}


def rule(kind: str, *conditions: dict[str, Any], rules: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """One rule."""
    return {"type": kind, "conditions": list(conditions), "rules": list(rules)}


class Case(NamedTuple):
    """A rule in words, the rule, and a trait for which SDKs differ. Without a trait, the identity has none."""

    words: str
    rule: dict[str, Any]
    trait: Any

    def rule_about(self, trait: str) -> dict[str, Any]:
        """Return the rule about a trait of another name, so that cases don't affect each other."""
        renamed: dict[str, Any] = json.loads(json.dumps(self.rule).replace(f'"{TRAIT}"', f'"{trait}"'))
        return renamed


def _of(operator: str, value: str, trait: Any, about: str = TRAIT) -> Case:
    words = f"`{operator}` `{value}`" + (f" of `{about}`" if about != TRAIT else "")
    return Case(words.replace("|", "\\|"), rule("ALL", condition(operator, value, about)), trait)


CASES = (
    _of("REGEX", r"02\d{3}", "02134"),
    _of("REGEX", "^.$", 2.0),
    _of("REGEX", "t", True),
    _of("REGEX", "(?i)pro", "PRO"),
    _of("REGEX", "(?!free)[a-z]+", "pro"),
    _of("REGEX", r"(?P<plan>pro)", "pro"),
    _of("REGEX", r"(p)r\1", "prp"),
    _of("REGEX", r"naï\b", "naïve"),
    _of("CONTAINS", "021", "02134"),
    _of("CONTAINS", "ru", True),
    _of("MODULO", "2|1", 16_777_217),
    _of("MODULO", "1|0.3", -0.7),
    _of("PERCENTAGE_SPLIT", "50", "pro"),
    _of("EQUAL", "user-1", None, "$.identity.identifier"),
    _of("EQUAL", "0.00005", 0.00005),
    _of("GREATER_THAN", "2026-01-31", 5),
    _of("GREATER_THAN", "1.2.3:semver", 5),
    _of("GREATER_THAN", "1.2.3-rc.2:semver", "1.2.3-rc.x"),
    Case("`ANY` of `NOT_EQUAL` `pro` and `EQUAL` `pro`", rule("ANY", condition("NOT_EQUAL", "pro"), condition("EQUAL", "pro")), "pro"),
    Case(
        "`ANY` of two rules: `EQUAL` `pro`, `EQUAL` `free`",
        rule("ANY", rules=(rule("ALL", condition("EQUAL", "pro")), rule("ALL", condition("EQUAL", "free")))),
        "pro",
    ),
    Case("`NONE` of one rule: `EQUAL` `pro`", rule("NONE", rules=(rule("ALL", condition("EQUAL", "pro")),)), "free"),
)

REWRITTEN = (
    ("EQUAL", "pro"),
    ("EQUAL", "5"),
    ("EQUAL", "true"),
    ("NOT_EQUAL", "pro"),
    ("IN", "pro,free"),
    ("IN", "02134,02135"),
    ("GREATER_THAN", "17.5"),
    ("LESS_THAN", "2026-01-31"),
    ("GREATER_THAN", "1.2.3:semver"),
    ("CONTAINS", "42"),
    ("NOT_CONTAINS", "beta"),
    ("REGEX", r"\w+@example\.com$"),
    ("MODULO", "10|3"),
)
