"""Random rules that can be written, and identities with ordinary traits."""

from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.errors import Invalid
from domain.flags.sdk_differences import CODE
from domain.flags.segment import Operator, Rules
from domain.flags.segment_rules import normalize_rules

RULES: TypeAdapter[Any] = TypeAdapter(Rules)
PROPERTIES = ("plan", "age", "zip", "version")

WORDS = (
    "pro",
    "free",
    "",
    "Pro",
    "naïve",
    "a,b",
    " pro",
    "x@y.com",
    "true",
    "False",
    "null",
    "[pro",
    "pro.",
    "2026-01-31",
    "1.2.3",
    "v1.2.3",
)
DIGITS = ("0", "5", "42", "-7", "1042", "02134", "2134", "007", "5.0", "1.5", "1.50", "0.25", "1e3", "+5", "5.")

TEXTS = st.sampled_from(WORDS) | st.sampled_from(DIGITS) | st.text("abcdeprt059.-@é ", max_size=6)
DECIMALS = st.decimals(-1_000, 1_000, places=2).map(str)
NUMBERS = st.integers(-50, 50_000).map(str) | DECIMALS | st.sampled_from(DIGITS)
VERSIONS = st.sampled_from(["1.2.3", "1.10.0", "2.0.0-rc.1", "1.2.3+build"]).map(lambda version: f"{version}:semver")
PATTERNS = st.lists(
    st.sampled_from(["pro", "x", "^", "$", r"\w", r"\d+", r"[a-e]", r"(a|b)", ".*", "@", r"\.", "é?", "{2}", r"[\w.-]+", "T", "(?!x)"]),
    max_size=5,
).map("".join)

VALUE_OF: dict[Operator, st.SearchStrategy[str | None]] = {
    Operator.EQUAL: TEXTS | NUMBERS | VERSIONS,
    Operator.NOT_EQUAL: TEXTS | NUMBERS | VERSIONS,
    Operator.CONTAINS: TEXTS,
    Operator.NOT_CONTAINS: TEXTS,
    Operator.REGEX: PATTERNS,
    Operator.PERCENTAGE_SPLIT: st.integers(0, 100).map(str),
    Operator.MODULO: st.tuples(st.integers(1, 9), st.integers(0, 8)).map(lambda parts: f"{parts[0]}|{parts[1]}"),
    Operator.IN: st.lists(TEXTS | NUMBERS, min_size=1, max_size=4).map(",".join),
    Operator.IS_SET: st.none(),
    Operator.IS_NOT_SET: st.none(),
}
BOUNDS = NUMBERS | TEXTS | VERSIONS


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(st.sampled_from(Operator))
    value = draw(VALUE_OF.get(operator, BOUNDS))
    share = {"operator": operator.value, "value": value}
    return share if operator is Operator.PERCENTAGE_SPLIT else share | {"property": draw(st.sampled_from(PROPERTIES))}


def _rules(depth: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    nested = _rules(depth - 1) if depth else st.just([])
    kinds = {
        "type": st.sampled_from(["ALL", "ANY", "NONE"]),
        "conditions": st.lists(_conditions(), min_size=1, max_size=3),
        "rules": nested,
    }
    return st.lists(st.fixed_dictionaries(kinds), min_size=1, max_size=2)


def warned_engines(rules: Any) -> set[str] | None:
    """Return the SDKs that warnings name, or None if the rules are refused."""
    try:
        warnings = normalize_rules(RULES.validate_python(rules)).warnings
    except (Invalid, ValueError):
        return None
    named = " ".join(each.message.split(" this differently")[0] for each in warnings if each.code == CODE)
    return {engine for engine in ("Python", "Node", "Go", "Java") if engine in named}


def rules_alike_in(*engines: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rules that are accepted without a warning about these SDKs."""
    found = st.lists(_conditions(), min_size=1, max_size=1).map(lambda one: [{"type": "ALL", "conditions": one}]) | _rules(1)
    return found.filter(lambda rules: (warned := warned_engines(rules)) is not None and warned.isdisjoint(engines))


TRAITS = st.one_of(
    st.booleans(),
    st.integers(-60, 60_000),
    st.decimals(-1_000, 1_000, places=2).map(float),
    st.sampled_from(WORDS),
    st.sampled_from(DIGITS),
    DECIMALS,
    st.text("abcdeprt059.-@é ", max_size=6),
)


def people(count: int) -> st.SearchStrategy[list[tuple[str, dict[str, Any]]]]:
    """Identities with ordinary traits. A trait may be missing."""
    one = st.tuples(st.text("abcxyz0123456789-", min_size=1, max_size=8), st.dictionaries(st.sampled_from(PROPERTIES), TRAITS))
    return st.lists(one, min_size=count, max_size=count)
