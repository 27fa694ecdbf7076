"""Times, values, rules and changes as people read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.dashboard.texts import (
    FieldChange,
    date_text,
    difference_text,
    duration_text,
    field_changes,
    number_text,
    read_number,
    relative_time,
    rule_text,
    timed,
    value_text,
)
from domain.flags.segment import Rule

NOW = datetime(2026, 11, 28, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=59), "in 59 s"),
        (timedelta(minutes=1), "in 1 min"),
        (timedelta(hours=3, minutes=20, seconds=5), "in 3 h 20 min"),
        (timedelta(days=2), "in 2 d"),
        (timedelta(days=2, minutes=5), "in 2 d"),
        (-timedelta(hours=1, minutes=1), "1 h 1 min ago"),
    ],
)
def test_distances_have_at_most_two_neighbouring_units(distance: timedelta, text: str) -> None:
    assert relative_time(NOW + distance, NOW) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0.0, "0"), (0.00943487, "0.00943"), (302.834, "303"), (12345.6, "12,346"), (-1500.0, "-1,500"), (1e-9, "1e-09")]
)
def test_measured_numbers_are_rounded(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), (" -3 ", -3), ("0.5", 0.5), (".5", 0.5), ("1e3", 1000.0), ("1_0", "1_0"), ("nan", "nan"), ("many", "many")],
)
def test_what_is_no_number_stays_a_text(text: str, number: float | str) -> None:
    assert (read_number(text), type(read_number(text))) == (number, type(number))


def test_durations_are_typed_without_spaces() -> None:
    assert duration_text(timedelta(days=1, hours=12, minutes=5)) == "1d12h5m"


def test_a_date_names_its_zone() -> None:
    assert date_text(NOW) == "28 Nov 2026, 14:05:09 UTC"


@pytest.mark.parametrize(("value", "text"), [(None, "no value"), ("1", '"1"'), (1, "1"), (True, "true"), ("é", '"é"')])
def test_values_are_shown_as_what_they_are(value: Any, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("difference", "texts"),
    [
        (("enabled", True, False), ("enabled", "on", "off")),
        (("value", "1", None), ("value", '"1"', "no value")),
        (("rollout", {"percent": 12.5, "value": "new"}, None), ("rollout", '12.5%: "new"', "none")),
        (("overrides/beta", None, {"enabled": True, "priority": 2}), ("for segment beta", "no override", "on, priority 2")),
    ],
)
def test_a_difference_is_shown_in_the_words_of_a_change(difference: tuple[str, Any, Any], texts: tuple[str, str, str]) -> None:
    assert difference_text(*difference) == FieldChange(*texts)


def test_a_change_is_shown_field_by_field() -> None:
    before = {"enabled": False, "rollout": None, "overrides": {"beta": None, "staff": {"enabled": True, "priority": 0}}}
    after = {"enabled": True, "rollout": {"percent": 10, "enabled": True}, "overrides": {"beta": {"inherits": ["value"], "value": 5}}}

    assert field_changes(before, after) == [
        FieldChange("enabled", "off", "on"),
        FieldChange("rollout", "none", "10%: on"),
        FieldChange("for segment beta", "no override", "5, value as by default"),
        FieldChange("for segment staff", "on, priority 0", "–"),
    ]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"type": "ALL", "conditions": [_a := {"property": "a", "operator": "EQUAL", "value": "1"}, _a]}, 'a = "1" and a = "1"'),
        ({"type": "NONE", "conditions": [{"property": "age", "operator": "LESS_THAN", "value": "18"}]}, 'not (age < "18")'),
        ({"type": "ALL", "conditions": [], "rules": [{"type": "ANY", "conditions": [_a, _a]}]}, '(a = "1" or a = "1")'),
        ({"type": "ALL", "conditions": [{"property": "email", "operator": "IS_SET"}]}, "email is set"),
        ({"type": "ALL", "conditions": [{"operator": "PERCENTAGE_SPLIT", "value": "20"}]}, "20% of identities"),
    ],
)
def test_rules_are_shown_as_a_condition(rule: dict[str, Any], text: str) -> None:
    assert rule_text(Rule.model_validate(rule)) == text


def test_a_time_in_a_sentence_is_an_element_and_the_rest_is_escaped() -> None:
    shown = timed("<b> waits until 2026-11-28 15:05:09 UTC.", NOW)

    assert shown == (
        '&lt;b&gt; waits until <span class="when"><time datetime="2026-11-28T15:05:09+00:00" title="28 Nov 2026, 15:05:09 UTC">'
        '28 Nov 2026, 15:05:09 UTC</time> (<span class="relative">in 1 h</span>)</span>.'
    )


def test_what_only_looks_like_a_time_stays_as_it_is() -> None:
    assert timed("since 2026-13-41 25:00:00 UTC", NOW) == "since 2026-13-41 25:00:00 UTC"
