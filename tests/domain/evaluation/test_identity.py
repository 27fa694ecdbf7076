"""Validation of identifiers and traits."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.evaluation.identity import LONGEST_IDENTIFIER, LONGEST_TRAIT, MOST_TRAITS, check_identifier, check_traits


@pytest.mark.parametrize("identifier", ["", "x" * (LONGEST_IDENTIFIER + 1), "a\x00b", "\ud800", 5, None, ["ada"]])
def test_an_identifier_that_cannot_be_stored_is_refused(identifier: Any) -> None:
    with pytest.raises(Invalid, match="The identifier must be a string"):
        check_identifier(identifier)


@pytest.mark.parametrize("identifier", ["ada", "x" * LONGEST_IDENTIFIER, "ünï\n🚀", "5"])
def test_any_other_text_is_accepted(identifier: str) -> None:
    assert check_identifier(identifier) == identifier


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"a": 1}, "x" * (LONGEST_TRAIT + 1), "a\x00", "\udfff", 2**63, float("inf"), float("nan"), "9" * 301, "-" + "9" * 301],
)
def test_a_trait_that_the_engine_cannot_compare_is_refused_by_name(value: Any) -> None:
    with pytest.raises(Invalid, match="The trait 'plan' must be"):
        check_traits({"plan": value})


@pytest.mark.parametrize("value", ["", "x" * LONGEST_TRAIT, "9" * 300, 0, -(2**63) + 1, 1.5, True, False])
def test_strings_numbers_and_booleans_are_accepted_as_traits(value: Any) -> None:
    assert check_traits({"plan": value}) == {"plan": value}


@pytest.mark.parametrize("key", ["", "k" * 201, "a\x00", "\ud800"])
def test_an_invalid_key_of_a_trait_is_refused(key: str) -> None:
    with pytest.raises(Invalid, match="The key of a trait"):
        check_traits({key: 1})


def test_an_identity_can_have_a_hundred_traits() -> None:
    traits = {f"trait-{number}": number for number in range(MOST_TRAITS)}

    assert check_traits(traits) == traits
    with pytest.raises(Invalid, match="at most 100 traits"):
        check_traits(traits | {"one-more": 1})
