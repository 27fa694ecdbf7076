"""Hypothesis strategies for complete environments as they are served."""

from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.errors import Invalid
from domain.evaluation.identity import Identity
from domain.evaluation.snapshot import EnvironmentKeys, ServedFlag, ServedSegment, Snapshot
from domain.flags.flag import FeatureType
from domain.flags.project import Environment, Feature, Project, Segment
from domain.flags.segment import Operator, Rules
from domain.flags.segment_rules import normalize_rules
from tests.domain.flag_strategies import SEGMENTS, VARIANTS, flags

RULES: TypeAdapter[Any] = TypeAdapter(Rules)
KEYS = EnvironmentKeys(client_key="client", server_key="ser.server")
TRAITS = ("plan", "age", "version", "$.identity.identifier")

VALUE_OF: dict[Operator, st.SearchStrategy[str | None]] = {
    Operator.REGEX: st.sampled_from([r"^pro.*", r"\d+", r"a|b", r"(?i)PRO", r".*\.com$", r"\w+@\w+", r"[^a-c]+$", "", "True"]),
    Operator.MODULO: st.sampled_from(["2|1", "10|3", "1.5|0", "-3|-1"]),
    Operator.PERCENTAGE_SPLIT: st.integers(0, 100).map(str),
    Operator.IN: st.sampled_from(["pro,free", "pro, free,", '["pro", "5"]', "5,7", "[pro"]),
    Operator.IS_SET: st.none(),
    Operator.IS_NOT_SET: st.none(),
}
STORED_ONLY: dict[Operator, st.SearchStrategy[str | None]] = {
    Operator.IN: st.sampled_from(["", ",", '["a,b", true]', "[NaN]"]),
    Operator.REGEX: st.just(r"(a+)+b"),
}
"""Values for our own evaluation only: refused when they are written, or endless in SDKs, which match patterns without a time limit."""
OTHER_VALUES = st.sampled_from(["pro", "free", "5", " 5 ", "5.5", "1.2.3:semver", "1.10.0:semver", "true", "False", "", "x"])


@st.composite
def conditions(draw: st.DrawFn, stored: bool) -> dict[str, Any]:
    """One condition."""
    operator = draw(st.sampled_from(Operator))
    values = VALUE_OF.get(operator, OTHER_VALUES)
    value = draw(values | STORED_ONLY[operator] if stored and operator in STORED_ONLY else values)
    property_ = draw(st.sampled_from(TRAITS))
    if operator is Operator.PERCENTAGE_SPLIT and draw(st.booleans()):
        return {"operator": operator.value, "value": value}
    return {"property": property_, "operator": operator.value, "value": value}


def rules(depth: int = 2, *, stored: bool = False) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Nested rules, as they can be written or as they may be stored."""
    within = rules(depth - 1, stored=stored) if depth else st.just([])
    rule = st.fixed_dictionaries(
        {"type": st.sampled_from(["ALL", "ANY", "NONE"]), "rules": within, "conditions": st.lists(conditions(stored), max_size=2)}
    )
    found = st.lists(rule, max_size=2)
    return found if stored else found.filter(_can_be_written)


def _can_be_written(written: list[dict[str, Any]]) -> bool:
    try:
        normalize_rules(RULES.validate_python(written))
    except Invalid:
        return False
    return True


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """An environment with up to four flags, and segments, some with overrides."""
    features = [
        Feature(id=f"feature-{number}", key=f"flag-{number}", name="Flag", type=FeatureType.STRING, variants=VARIANTS, salt=1_000 + number)
        for number in range(draw(st.integers(1, 4)))
    ]
    segments = [Segment(id=f"segment-{key}", key=key, name=key.title(), rules=draw(rules(stored=True))) for key in SEGMENTS]
    return Snapshot(
        number=1,
        project=Project(id="project", key="shop", name="Shop"),
        environment=Environment(id="0198-environment", key="production", name=draw(st.sampled_from(["Production", "pro"]))),
        keys=KEYS,
        version=draw(st.integers(1_700_000_000_000_000, 1_900_000_000_000_000)),
        flags=tuple(ServedFlag(10 + number, feature, draw(flags())) for number, feature in enumerate(features)),
        segments=tuple(ServedSegment(20 + number, segment) for number, segment in enumerate(segments)),
    )


TRAIT_VALUES = st.one_of(
    st.sampled_from(["pro", "free", "5", "5.5", "1.2.3", "1.10.0", "a", "a" * 40 + "!", "x@y.com", "x\n", "٣", "", "True", "-7"]),
    st.integers(-20, 20),
    st.floats(-20, 20),
    st.booleans(),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
)


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    """An identity with some of the traits that rules compare."""
    traits = draw(st.dictionaries(st.sampled_from(TRAITS), TRAIT_VALUES, max_size=4))
    return Identity(draw(st.text(alphabet="abc5@.", min_size=1, max_size=6)), traits)
