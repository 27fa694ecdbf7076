"""What an application tells of an identity: kept, passing, or forgotten."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.evaluation.identity import Identity
from domain.evaluation.identity_request import read_identity_request


def told(identifier: str = "ada", transient: bool = False, **traits: Any) -> Any:
    """As it is sent; a trait that begins with `now_` is for this time only."""
    listed = [{"trait_key": key, "trait_value": value, "transient": key.startswith("now_")} for key, value in traits.items()]
    return read_identity_request({"identifier": identifier, "traits": listed, "transient": transient})


def test_what_is_told_is_laid_over_what_is_known() -> None:
    known = {"plan": "free", "age": 30}

    heard = told(plan="pro", now_city="Porto")

    assert heard.known_after(known) == {"plan": "pro", "age": 30}
    assert heard.seen_as(known) == Identity("ada", {"plan": "pro", "age": 30, "now_city": "Porto"})


def test_null_forgets_a_trait() -> None:
    heard = told(plan=None)

    assert heard.known_after({"plan": "free", "age": 30}) == {"age": 30}
    assert told(unknown=None).known_after({"age": 30}) == {"age": 30}


def test_of_a_transient_identity_nothing_is_known() -> None:
    assert told(transient=True, plan="pro").seen_as({"age": 30}) == Identity("ada", {"plan": "pro"})


def test_the_last_word_on_a_trait_counts() -> None:
    twice = [{"trait_key": "plan", "trait_value": "free"}, {"trait_key": "plan", "trait_value": "pro"}]

    assert read_identity_request({"identifier": "ada", "traits": twice}).kept == {"plan": "pro"}


@pytest.mark.parametrize(
    "sent", [None, [], "ada", {}, {"identifier": "a", "traits": {"a": 1}}, {"identifier": "a", "traits": [{"trait_value": 1}]}]
)
def test_what_is_no_telling_is_refused(sent: Any) -> None:
    with pytest.raises(Invalid):
        read_identity_request(sent)


@pytest.mark.parametrize("transient", ["true", 1, 0, [True], {}])
def test_what_may_be_meant_for_this_time_only_is_not_kept_by_mistake(transient: Any) -> None:
    trait = {"trait_key": "plan", "trait_value": "pro"}

    for sent in ({"traits": [trait], "transient": transient}, {"traits": [trait | {"transient": transient}]}):
        with pytest.raises(Invalid, match="transient"):
            read_identity_request({"identifier": "ada"} | sent)


def test_null_stands_for_what_is_not_said() -> None:
    heard = read_identity_request({"identifier": "ada", "traits": None, "transient": None})

    assert (heard.kept, heard.transient) == ({}, False)


@pytest.mark.parametrize("traits", ["", 0, False, {}])
def test_what_is_empty_and_no_list_is_no_list_of_traits(traits: Any) -> None:
    with pytest.raises(Invalid, match="traits"):
        read_identity_request({"identifier": "ada", "traits": traits})
