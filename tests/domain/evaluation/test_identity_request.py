"""Traits in a request: stored, for the request only, or removed."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.evaluation.identity import Identity
from domain.evaluation.identity_request import read_identity_request


def request(identifier: str = "ada", transient: bool = False, **traits: Any) -> Any:
    """A parsed request. A trait whose key begins with `now_` is transient."""
    listed = [{"trait_key": key, "trait_value": value, "transient": key.startswith("now_")} for key, value in traits.items()]
    return read_identity_request({"identifier": identifier, "traits": listed, "transient": transient})


def test_sent_traits_replace_stored_ones() -> None:
    stored = {"plan": "free", "age": 30}

    parsed = request(plan="pro", now_city="Porto")

    assert parsed.traits_after(stored) == {"plan": "pro", "age": 30}
    assert parsed.identity(stored) == Identity("ada", {"plan": "pro", "age": 30, "now_city": "Porto"})


def test_null_removes_a_trait() -> None:
    parsed = request(plan=None)

    assert parsed.traits_after({"plan": "free", "age": 30}) == {"age": 30}
    assert request(unknown=None).traits_after({"age": 30}) == {"age": 30}


def test_a_transient_identity_has_no_stored_traits() -> None:
    assert request(transient=True, plan="pro").identity({"age": 30}) == Identity("ada", {"plan": "pro"})


def test_the_last_value_of_a_repeated_trait_counts() -> None:
    twice = [{"trait_key": "plan", "trait_value": "free"}, {"trait_key": "plan", "trait_value": "pro"}]

    assert read_identity_request({"identifier": "ada", "traits": twice}).to_store == {"plan": "pro"}


@pytest.mark.parametrize(
    "sent", [None, [], "ada", {}, {"identifier": "a", "traits": {"a": 1}}, {"identifier": "a", "traits": [{"trait_value": 1}]}]
)
def test_an_invalid_request_is_refused(sent: Any) -> None:
    with pytest.raises(Invalid):
        read_identity_request(sent)


@pytest.mark.parametrize("transient", ["true", 1, 0, [True], {}])
def test_transient_must_be_a_boolean_so_that_nothing_is_stored_by_mistake(transient: Any) -> None:
    trait = {"trait_key": "plan", "trait_value": "pro"}

    for sent in ({"traits": [trait], "transient": transient}, {"traits": [trait | {"transient": transient}]}):
        with pytest.raises(Invalid, match="transient"):
            read_identity_request({"identifier": "ada"} | sent)


def test_null_is_the_same_as_omitting_a_field() -> None:
    parsed = read_identity_request({"identifier": "ada", "traits": None, "transient": None})

    assert (parsed.to_store, parsed.transient) == ({}, False)


@pytest.mark.parametrize("traits", ["", 0, False, {}])
def test_an_empty_value_other_than_a_list_is_refused_as_traits(traits: Any) -> None:
    with pytest.raises(Invalid, match="traits"):
        read_identity_request({"identifier": "ada", "traits": traits})
