"""Values of segment conditions are stored in the one form that every SDK reads alike."""

import json
import re
from typing import Any

import pytest
from flag_engine.segments.evaluator import is_context_in_segment
from hypothesis import given
from hypothesis import strategies as st

from domain.flags.segment import Operator
from domain.flags.segment_values import normalized_value

VALUES = st.text(alphabet='ab,[]" |.-:5\n\t\u00a0\\{}', max_size=14) | st.sampled_from(["1.2.3 :semver", " false ", "[NaN]", "[1e3, -0]"])
ENTRIES = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters=",\x00"), min_size=1, max_size=6).filter(
    lambda entry: entry == entry.strip() and not entry.startswith("[")
)
SPACES = st.text(alphabet=" \t\n\u00a0", max_size=3)
KEPT_EXACTLY = [Operator.REGEX, Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.IS_SET, Operator.IS_NOT_SET]
ORDERING = [Operator.GREATER_THAN, Operator.GREATER_THAN_INCLUSIVE, Operator.LESS_THAN, Operator.LESS_THAN_INCLUSIVE]
EQUALITY = [Operator.EQUAL, Operator.NOT_EQUAL]
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
"""Text of a trait that the engine turns into a number before it compares: `-0` is 0 then."""
REWRITTEN = "the JSON array was rewritten as entries separated by commas"


@pytest.mark.parametrize(
    ("sent", "stored", "changes"),
    [
        ("oslo,rome,bern", "oslo,rome,bern", ""),
        ("oslo, rome,bern", "oslo,rome,bern", "spaces around list entries were removed"),
        (" oslo ", "oslo", "spaces around list entries were removed"),
        ("oslo,\n  rome\n", "oslo,rome", "spaces around list entries were removed"),
        ("new york,rome", "new york,rome", ""),
        ("a,,b", "a,b", "empty list entries were removed"),
        ("a,b,", "a,b", "empty list entries were removed"),
        ("a, ,b", "a,b", "spaces around list entries and empty list entries were removed"),
        ('["oslo", "rome"]', "oslo,rome", REWRITTEN),
        (' ["oslo"]', "oslo", f"{REWRITTEN}, and spaces around list entries were removed"),
        ('["", " a ", 5, 1.50, true]', "a,5,1.50,true", f"{REWRITTEN}, and spaces around list entries and empty list entries were removed"),
        ("[oslo,rome]", "[oslo,rome]", ""),
        ("[oslo", "[oslo", ""),
    ],
)
def test_a_list_is_stored_as_entries_separated_by_commas(sent: str, stored: str, changes: str) -> None:
    assert normalized_value(Operator.IN, sent) == (stored, changes)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("", "must have at least one list entry"),
        (" ", "must have at least one list entry"),
        (" , ,", "must have at least one list entry"),
        ("[]", "must have at least one list entry"),
        ('["", " "]', "must have at least one list entry"),
        ('["a,b", "c"]', "must not have an entry that contains a comma: use an EQUAL condition for 'a,b'"),
        ("[[1]]", "must be a flat list"),
        ('[{"a": 1}]', "must be a flat list"),
        ("[" * 1_000, "must be a flat list"),
        ("[null]", "must not have null as an entry"),
        (r'["a\u0000"]', "the character NUL"),
        (r'["\ud800"]', "half a surrogate pair"),
        ('["a",,"b"]', "a valid JSON array"),
        ("[NaN]", "a valid JSON array"),
        ('["[1]"]', "a valid JSON array"),
    ],
)
def test_a_list_that_sdks_cannot_read_alike_is_refused(sent: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as refused:
        normalized_value(Operator.IN, sent)

    assert message in str(refused.value)


@pytest.mark.parametrize("operator", [*ORDERING, *EQUALITY])
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (" 5 ", "5"),
        ("\t-1.5e3\n", "-1.5e3"),
        ("1.2.3:semver ", "1.2.3:semver"),
        (" v1.2.3-rc.1 : semver", "v1.2.3-rc.1:semver"),
        ("5", "5"),
    ],
)
def test_numbers_and_versions_lose_the_spaces_around_them(operator: Operator, sent: str, stored: str) -> None:
    value, changes = normalized_value(operator, sent)

    assert value == stored
    assert changes == ("" if sent == stored else "spaces around the value were removed")


@pytest.mark.parametrize("operator", EQUALITY)
def test_text_to_compare_with_keeps_its_spaces_and_booleans_do_not(operator: Operator) -> None:
    for text in (" pro", "new  york ", " ", "note: semver", " 1 2 "):
        assert normalized_value(operator, text) == (text, "")
    assert normalized_value(operator, " false ").value == "false"


@pytest.mark.parametrize("operator", ORDERING)
def test_a_date_loses_the_spaces_around_it_and_a_blank_value_stays(operator: Operator) -> None:
    assert normalized_value(operator, " 2026-01-31 ").value == "2026-01-31"
    assert normalized_value(operator, "  ") == ("  ", "")


def test_the_parts_of_modulo_and_a_percentage_lose_the_spaces_around_them() -> None:
    assert normalized_value(Operator.MODULO, " 4 | 3 ") == ("4|3", "spaces around the divisor and the remainder were removed")
    assert normalized_value(Operator.MODULO, "4|3") == ("4|3", "")
    assert normalized_value(Operator.PERCENTAGE_SPLIT, " 12.5") == ("12.5", "spaces around the value were removed")


@pytest.mark.parametrize("operator", KEPT_EXACTLY)
@given(value=VALUES)
def test_operators_whose_text_may_mean_spaces_keep_it_exactly(operator: Operator, value: str) -> None:
    assert normalized_value(operator, value) == (value, "")


@given(operator=st.sampled_from(Operator), value=VALUES)
def test_normalizing_twice_is_the_same_as_normalizing_once(operator: Operator, value: str) -> None:
    try:
        stored, changes = normalized_value(operator, value)
    except ValueError:
        return

    assert normalized_value(operator, stored) == (stored, "")
    assert (changes == "") == (stored == value)
    assert len(stored) <= len(value)


@given(st.lists(st.tuples(SPACES, ENTRIES, SPACES), min_size=1, max_size=5))
def test_a_list_is_the_same_with_spaces_without_and_as_a_json_array(spaced: list[tuple[str, str, str]]) -> None:
    entries = [entry for _, entry, _ in spaced]

    assert normalized_value(Operator.IN, ",".join(map("".join, spaced))).value == ",".join(entries)
    assert normalized_value(Operator.IN, json.dumps(entries)).value == ",".join(entries)


def in_javascript(value: str) -> list[Any]:
    """The entries as Flagsmith's SDK for Node reads them: any JSON array, else split at commas."""
    try:
        parsed = json.loads(value, parse_constant=lambda name: pytest.fail(f"{name} is not JSON in JavaScript"))
    except ValueError:
        return value.split(",")
    return parsed if isinstance(parsed, list) else value.split(",")


def in_python(value: str, trait: str) -> bool:
    """True if the engine of Flagsmith's SDK for Python finds the trait in the list."""
    condition = {"property": "city", "operator": "IN", "value": value}
    segment: Any = {"key": "1", "name": "s", "rules": [{"type": "ALL", "rules": [], "conditions": [condition]}]}
    context: Any = {"environment": {"key": "e", "name": "E"}, "identity": {"identifier": "ada", "key": "e_ada", "traits": {"city": trait}}}
    return is_context_in_segment(context, segment)


@given(VALUES)
def test_every_sdk_reads_a_stored_list_as_the_same_entries(value: str) -> None:
    try:
        stored = normalized_value(Operator.IN, value).value
    except ValueError:
        return
    entries = stored.split(",")

    assert all(entries)
    assert in_javascript(stored) == entries
    assert all(in_python(stored, entry) for entry in entries if not NUMBER.fullmatch(entry))
    assert not in_python(stored, f" {entries[0]}")
