"""The commands for features."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api


def test_features_are_listed_and_shown(terminal: Terminal) -> None:
    assert "checkout" in terminal.run("features", "list").out
    assert [each["key"] for each in terminal.read_json("features", "list")] == ["checkout"]

    terminal.run("features", "show", "checkout")

    assert 'off, "classic"' in terminal.out
    assert terminal.read_json("features", "show", "checkout")["type"] == "string"


def test_a_change_by_hand_affects_only_the_given_environment(terminal: Terminal) -> None:
    terminal.run("features", "set", "checkout", "-e", "staging", "--enabled", "--value", "one-page")

    assert terminal.out == "'checkout' in staging is now on, \"one-page\".\n"
    flag = terminal.read_json("features", "show", "checkout")["environments"]
    assert (flag["staging"]["enabled"], flag["staging"]["value"]) == (True, "one-page")
    assert flag["production"]["enabled"] is False


def test_changing_a_flag_in_a_release_shows_the_effect_and_asks(terminal: Terminal, published: str) -> None:
    release = terminal.read_json("releases", "add", "checkout", "standard", "--yes")["id"]

    assert terminal.run("features", "set", "checkout", "-e", "staging", "--enabled", answers="n\n").code == 1
    assert f"It is in release {release}: starting in 'Development' of standard." in terminal.err
    assert "In staging: off → on" in terminal.err
    assert terminal.read_json("features", "show", "checkout")["environments"]["staging"]["enabled"] is False

    assert terminal.run("features", "set", "checkout", "-e", "staging", "--enabled", "--yes").code == 0
    assert terminal.err == ""
    assert "Warning: The flag has the unfinished release" in terminal.out


def test_an_override_is_set_and_removed(terminal: Terminal) -> None:
    for_beta = ("features", "set", "checkout", "-e", "staging", "-s", "beta-users")

    terminal.run(*for_beta, "--enabled", "--value", "one-page", "--priority", "7")
    assert terminal.out == "'checkout' in staging is now on, \"one-page\" for beta-users.\n"
    changed = terminal.read_json(*for_beta, "--inherit", "value")["environments"]["staging"]["overrides"]["beta-users"]
    assert (changed["enabled"], changed["value"], changed["inherits"], changed["priority"]) == (True, "classic", ["value"], 7)
    assert "value inherited" in terminal.run("features", "show", "checkout").out

    assert terminal.run(*for_beta, "--no-override", answers="n\n").code == 1
    assert 'In staging: for beta-users: on, value "classic" → default' in terminal.err
    assert "has no override for beta-users" in terminal.run(*for_beta, "--no-override", answers="y\n").out
    assert terminal.read_json("features", "show", "checkout")["environments"]["staging"]["overrides"] == {}


def test_all_overrides_are_removed_after_confirmation(terminal: Terminal) -> None:
    for segment in ("beta-users", "staff"):
        terminal.read_json("features", "set", "checkout", "-e", "staging", "-s", segment, "--enabled")
    everyone = ("features", "set", "checkout", "-e", "staging", "--disabled", "--no-value", "--remove-overrides")

    assert terminal.run(*everyone, answers="n\n").code == 1
    assert ("for beta-users" in terminal.err, "for staff" in terminal.err) == (True, True)

    flag = terminal.read_json(*everyone, "--yes")["environments"]["staging"]
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
def test_contradicting_options_are_a_usage_error(terminal: Terminal, typed: str) -> None:
    assert terminal.run("features", "set", "checkout", "-e", "staging", *typed.split(), "--yes").code == 2


def test_a_feature_is_created_changed_and_deleted(terminal: Terminal) -> None:
    terminal.run("features", "create", "limit", "--type", "integer", "--value", "10", "--enabled", "--description", "The maximum.")
    assert terminal.out == "Created 'limit' of type integer: on, 10 in every environment.\n"
    assert terminal.read_json("features", "show", "limit")["environments"]["production"]["value"] == 10

    assert "Changed 'limit': Limit." in terminal.run("features", "change", "limit", "--name", "Limit").out
    assert terminal.read_json("features", "show", "limit")["description"] == "The maximum."

    assert terminal.run("features", "delete", "limit", answers="y\n").code == 0
    assert "In production it is on, 10." in terminal.err
    assert terminal.run("features", "show", "limit").code == 1


def test_the_default_type_is_toggle_or_string_and_ambiguous_values_need_a_type(terminal: Terminal) -> None:
    assert terminal.read_json("features", "create", "banner")["type"] == "toggle"
    assert terminal.read_json("features", "create", "greeting", "--value", "hello")["type"] == "string"
    for value in ("10", "-3", "true"):
        assert terminal.run("features", "create", "guess", f"--value={value}").code == 2
    assert terminal.run("features", "change", "banner").code == 2


@pytest.mark.parametrize(("default", "typed", "value"), [(10, "-3", -3), (True, "false", False), ("x", "12", "12")])
def test_a_value_is_parsed_as_the_features_type(api: Api, terminal: Terminal, default: object, typed: str, value: object) -> None:
    api.post("/projects/shop/features", {"key": "limit", "default": {"value": default}})

    changed = terminal.read_json("features", "set", "limit", "-e", "staging", f"--value={typed}")

    assert changed["environments"]["staging"]["value"] == value


@pytest.mark.parametrize("typed", ["ten", "1.5", "true", '"1"'])
def test_a_value_of_another_type_is_a_usage_error(api: Api, terminal: Terminal, typed: str) -> None:
    api.post("/projects/shop/features", {"key": "limit", "default": {"value": 10}})

    assert terminal.run("features", "set", "limit", "-e", "staging", "--value", typed).code == 2


def test_an_empty_change_is_a_usage_error(terminal: Terminal) -> None:
    assert terminal.run("features", "set", "checkout", "-e", "staging").code == 2
