"""Random pipelines that use everything a definition may contain."""

from typing import Any

from hypothesis import strategies as st

from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.window import Day


def _shown(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return only texts that the form shows: one that looks like an escaped carriage return is edited as text."""
    return texts.filter(lambda text: "\\r" not in text)


KEYS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}[a-z0-9]", fullmatch=True)
_LINES = _shown(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=12))
NAMES = _LINES.map(str.strip).filter(bool)
TEXTS = _shown(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n\t"), max_size=12))
DESCRIPTIONS = TEXTS.filter(lambda text: not text or text.strip())
DURATIONS = st.integers(0, 366 * 86_400).map(lambda seconds: f"{seconds}s")
VALUES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
PERCENTAGES = st.integers(100, 10_000).map(lambda hundredths: hundredths / 100)
REFERENCES = KEYS.map(lambda key: {"parameter": key})


def _of_type(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(type_), **fields})


TRIGGERS = st.one_of(
    _of_type("ON_ENTER"),
    _of_type("WAIT_FOR", duration=DURATIONS),
    _of_type("WAIT_UNTIL", at=st.just("2026-12-01T09:00:00+01:00")),
    _of_type("WAIT_UNTIL", at=st.just("2026-12-01T09:00"), timezone=st.just("Europe/London")),
    _of_type("WAIT_UNTIL", at_from=REFERENCES),
    _of_type("WAIT_UNTIL", at_from=REFERENCES, timezone=st.just("Asia/Tokyo")),
)
RANGES = st.fixed_dictionaries(
    {
        "days": st.lists(st.sampled_from(list(Day)), min_size=1, unique=True).map(lambda days: [day.value for day in Day if day in days]),
        "start": st.sampled_from(["00:00", "09:30"]),
        "end": st.sampled_from(["17:00", "24:00"]),
    }
)
GATES = st.one_of(
    _of_type("APPROVAL", approvals=st.integers(1, 20), allow_requester=st.booleans()),
    _of_type("APPROVAL", timeout=DURATIONS),
    _of_type("WINDOW", timezone=st.just("Europe/London"), ranges=st.lists(RANGES, min_size=1, max_size=2)),
)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_BOUNDS = st.tuples(_NUMBERS, _NUMBERS).map(sorted)
_FROM_0_TO_1 = st.floats(0, 0.99)
CONDITIONS = st.one_of(
    _of_type("THRESHOLD", at_most=_NUMBERS),
    _of_type("THRESHOLD", at_least=_NUMBERS),
    _BOUNDS.map(lambda bounds: {"type": "THRESHOLD", "at_least": bounds[0], "at_most": bounds[1]}),
    _of_type("NOT_WORSE", margin=_FROM_0_TO_1, better=st.sampled_from(["higher", "lower"])),
    _of_type(
        "NOT_WORSE",
        margin=_FROM_0_TO_1,
        better=st.just("lower"),
        group=st.just("b"),
        confidence=st.floats(0.5, 0.999),
        minimum=st.integers(2, 999),
    ),
)
_ENVIRONMENTS = st.none() | KEYS
WATCHING_GATES = st.one_of(
    _of_type("METRIC", metric=KEYS, condition=CONDITIONS, passing_for=DURATIONS, environment=_ENVIRONMENTS, every=DURATIONS),
    _of_type("CHECK", source=KEYS, path=st.just("/ready?flag={feature}"), environment=_ENVIRONMENTS, every=DURATIONS),
)
_HUNDREDTHS = st.integers(1, 3_333).map(lambda hundredths: hundredths / 100)
_EXPERIMENT = {
    "metric": KEYS,
    "variants": st.lists(KEYS, min_size=1, max_size=3, unique=True),
    "better": st.sampled_from(["higher", "lower"]),
    "longest": st.sampled_from(["1h", "14d"]),
    "shortest": st.sampled_from(["0s", "1h"]),
    "decide_every": st.sampled_from(["30m", "7d"]),
    "every": st.sampled_from(["5m", "1h30m"]),
    "environment": _ENVIRONMENTS,
}
EXPERIMENTS = st.one_of(
    _of_type("EXPERIMENT", **_EXPERIMENT),
    _of_type(
        "EXPERIMENT",
        **_EXPERIMENT | {"variants": st.just(["treatment"])},
        shares=st.fixed_dictionaries({"control": _HUNDREDTHS, "treatment": _HUNDREDTHS}),
        confidence=st.floats(0.5, 0.999),
        minimum=st.integers(2, 999),
        planned=st.integers(2, 99_999),
        without_winner=st.sampled_from(["control", "hold", "treatment"]),
    ),
)
GUARDRAILS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "metric": KEYS,
        "condition": CONDITIONS,
        "stages": st.lists(NAMES, min_size=1, max_size=3),
        "environment": _ENVIRONMENTS,
        "every": DURATIONS,
        "failures": st.integers(1, 20),
        "on_breach": st.sampled_from(["notify", "pause", "rollback"]),
        "shadow": st.booleans(),
    }
)
_OVERRIDES = st.sampled_from(["keep", "remove"])
_ALLOCATIONS = st.dictionaries(KEYS, _HUNDREDTHS, max_size=3)
_ROLLOUT = {"initial": PERCENTAGES, "step": PERCENTAGES, "every": DURATIONS, "enabled": st.booleans(), "overrides": _OVERRIDES}
ACTIONS = st.one_of(
    _of_type("TOGGLE_FEATURE", enabled=st.booleans(), overrides=_OVERRIDES),
    _of_type("TOGGLE_FEATURE_FOR_SEGMENT", enabled=st.booleans(), segment=KEYS),
    _of_type("UPDATE_FEATURE_VALUE", value=VALUES, overrides=_OVERRIDES),
    _of_type("UPDATE_FEATURE_VALUE", value_from=REFERENCES),
    _of_type("UPDATE_FEATURE_VALUE_FOR_SEGMENT", value=VALUES, segment=KEYS),
    _of_type("PHASED_ROLLOUT", **_ROLLOUT),
    _of_type("PHASED_ROLLOUT", value=VALUES, **_ROLLOUT),
    _of_type("PHASED_ROLLOUT", value_from=REFERENCES, **_ROLLOUT),
    _of_type("ALLOCATE_VARIANTS", allocation=_ALLOCATIONS, overrides=_OVERRIDES),
    _of_type("ALLOCATE_VARIANTS_FOR_SEGMENT", allocation=_ALLOCATIONS, segment=KEYS),
    _of_type("SHIP_WINNER", overrides=_OVERRIDES),
    _of_type("SHIP_WINNER", initial=PERCENTAGES, step=PERCENTAGES, every=DURATIONS, overrides=_OVERRIDES),
)
STAGES = st.fixed_dictionaries(
    {
        "name": NAMES,
        "description": DESCRIPTIONS,
        "environment": KEYS,
        "trigger": TRIGGERS,
        "gates": st.lists(GATES | WATCHING_GATES | EXPERIMENTS, max_size=2),
        "actions": st.lists(ACTIONS, max_size=3),
    }
)
PARAMETERS = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "boolean", "datetime"]), "description": DESCRIPTIONS}),
    st.fixed_dictionaries({"type": st.just("integer"), "default": st.integers(-5, 5)}),
    st.fixed_dictionaries({"type": st.just("boolean"), "default": st.booleans()}),
    st.fixed_dictionaries({"type": st.just("string"), "default": TEXTS.filter(str.strip)}),
)
DEFINITIONS = st.fixed_dictionaries(
    {
        "key": KEYS,
        "name": NAMES,
        "description": DESCRIPTIONS,
        "on_conflict": st.sampled_from(["block", "overwrite"]),
        "parameters": st.dictionaries(KEYS, PARAMETERS, max_size=3),
        "stages": st.lists(STAGES, max_size=3),
        "guardrails": st.lists(GUARDRAILS | GUARDRAILS.map(lambda each: each | {"on_breach": "rollback", "to_stage": "First"}), max_size=2),
    }
).map(PipelineDefinition.model_validate)
