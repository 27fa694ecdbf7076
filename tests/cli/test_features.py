"""Features, from a terminal."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api


def test_features_are_listed_and_shown(terminal: Terminal) -> None:
    assert "checkout" in terminal.types("features", "list").out
    assert [each["key"] for each in terminal.reads("features", "list")] == ["checkout"]

    terminal.types("features", "show", "checkout")

    assert 'off, "classic"' in terminal.out
    assert terminal.reads("features", "show", "checkout")["type"] == "string"


def test_a_flag_is_changed_by_hand_only_where_it_is_named(terminal: Terminal) -> None:
    terminal.types("features", "set", "checkout", "-e", "staging", "--enabled", "--value", "one-page")

    assert terminal.out == "'checkout' in staging is now on, \"one-page\".\n"
    flag = terminal.reads("features", "show", "checkout")["environments"]
    assert (flag["staging"]["enabled"], flag["staging"]["value"]) == (True, "one-page")
    assert flag["production"]["enabled"] is False


def test_a_change_to_a_flag_on_its_way_shows_its_effect_and_asks(terminal: Terminal, published: str) -> None:
    release = terminal.reads("releases", "add", "checkout", "standard", "--yes")["id"]

    assert terminal.types("features", "set", "checkout", "-e", "staging", "--enabled", answers="n\n").code == 1
    assert f"It is in release {release}: starting in 'Development' of standard." in terminal.err
    assert "In staging: off → on" in terminal.err
    assert terminal.reads("features", "show", "checkout")["environments"]["staging"]["enabled"] is False

    assert terminal.types("features", "set", "checkout", "-e", "staging", "--enabled", "--yes").code == 0
    assert terminal.err == ""
    assert "Warning: The flag is in release" in terminal.out


def test_a_segment_gets_something_else_until_its_override_is_taken_away(terminal: Terminal) -> None:
    for_beta = ("features", "set", "checkout", "-e", "staging", "-s", "beta-users")

    terminal.types(*for_beta, "--enabled", "--value", "one-page", "--priority", "7")
    assert terminal.out == "'checkout' in staging is now on, \"one-page\" for beta-users.\n"
    changed = terminal.reads(*for_beta, "--inherit", "value")["environments"]["staging"]["overrides"]["beta-users"]
    assert (changed["enabled"], changed["value"], changed["inherits"], changed["priority"]) == (True, "classic", ["value"], 7)
    assert "value as everyone" in terminal.types("features", "show", "checkout").out

    assert terminal.types(*for_beta, "--no-override", answers="n\n").code == 1
    assert 'In staging: for beta-users: on, value "classic" → as everyone' in terminal.err
    assert "has no override for beta-users" in terminal.types(*for_beta, "--no-override", answers="y\n").out
    assert terminal.reads("features", "show", "checkout")["environments"]["staging"]["overrides"] == {}


def test_all_overrides_are_taken_away_after_they_were_shown(terminal: Terminal) -> None:
    for segment in ("beta-users", "staff"):
        terminal.reads("features", "set", "checkout", "-e", "staging", "-s", segment, "--enabled")
    everyone = ("features", "set", "checkout", "-e", "staging", "--disabled", "--no-value", "--remove-overrides")

    assert terminal.types(*everyone, answers="n\n").code == 1
    assert ("for beta-users" in terminal.err, "for staff" in terminal.err) == (True, True)

    flag = terminal.reads(*everyone, "--yes")["environments"]["staging"]
    assert (flag["enabled"], flag["value"], flag["overrides"]) == (False, None, {})


@pytest.mark.parametrize(
    "typed",
    [
        "--priority 3",
        "--inherit value",
        "--no-override",
        "-s staff --remove-overrides",
        "-s staff --no-override --enabled",
        "-s staff",
        "--value x --no-value",
        "-s staff --inherit colour",
    ],
)
def test_what_contradicts_itself_is_wrong_usage(terminal: Terminal, typed: str) -> None:
    assert terminal.types("features", "set", "checkout", "-e", "staging", *typed.split(), "--yes").code == 2


def test_a_feature_is_made_changed_and_deleted(terminal: Terminal) -> None:
    terminal.types("features", "create", "limit", "--type", "integer", "--value", "10", "--enabled", "--description", "How many.")
    assert terminal.out == "Made 'limit' of type integer: on, 10 in every environment.\n"
    assert terminal.reads("features", "show", "limit")["environments"]["production"]["value"] == 10

    assert "is now called Limit." in terminal.types("features", "change", "limit", "--name", "Limit").out
    assert terminal.reads("features", "show", "limit")["description"] == "How many."

    assert terminal.types("features", "delete", "limit", answers="y\n").code == 0
    assert "In production it is on, 10." in terminal.err
    assert terminal.types("features", "show", "limit").code == 1


def test_a_feature_without_a_type_is_a_toggle_or_a_string_but_never_a_guess(terminal: Terminal) -> None:
    assert terminal.reads("features", "create", "banner")["type"] == "toggle"
    assert terminal.reads("features", "create", "greeting", "--value", "hello")["type"] == "string"
    for value in ("10", "-3", "true"):
        assert terminal.types("features", "create", "guess", f"--value={value}").code == 2
    assert terminal.types("features", "change", "banner").code == 2


@pytest.mark.parametrize(("default", "typed", "value"), [(10, "-3", -3), (True, "false", False), ("x", "12", "12")])
def test_a_value_is_read_as_the_feature_takes_it(api: Api, terminal: Terminal, default: object, typed: str, value: object) -> None:
    api.post("/projects/shop/features", {"key": "limit", "default": {"value": default}})

    changed = terminal.reads("features", "set", "limit", "-e", "staging", f"--value={typed}")

    assert changed["environments"]["staging"]["value"] == value


@pytest.mark.parametrize("typed", ["ten", "1.5", "true", '"1"'])
def test_a_value_that_the_feature_does_not_take_is_wrong_usage(api: Api, terminal: Terminal, typed: str) -> None:
    api.post("/projects/shop/features", {"key": "limit", "default": {"value": 10}})

    assert terminal.types("features", "set", "limit", "-e", "staging", "--value", typed).code == 2


def test_a_change_of_nothing_is_wrong_usage(terminal: Terminal) -> None:
    assert terminal.types("features", "set", "checkout", "-e", "staging").code == 2
