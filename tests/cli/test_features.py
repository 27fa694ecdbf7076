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


def test_variants_are_added_changed_and_removed_one_by_one(terminal: Terminal) -> None:
    terminal.run("features", "create", "limit", "--type", "integer", "--value", "5", "--variant", "more=10", "--variant", "most=20")
    changed = terminal.read_json("features", "change", "limit", "--variant", "most=30", "--variant", "less=1", "--remove-variant", "more")

    assert changed["variants"] == [{"key": "most", "value": 30}, {"key": "less", "value": 1}]
    assert "Variants: most 30, less 1" in terminal.run("features", "show", "limit").out
    assert terminal.run("features", "change", "limit", "--variant", "most=lots").code == 2
    assert terminal.run("features", "change", "limit", "--remove-variant", "more").code == 2
    assert "'limit' has no variant 'more'." in terminal.err


def test_variants_are_allocated_to_everyone_and_to_a_segment(terminal: Terminal) -> None:
    terminal.run("features", "change", "checkout", "--variant", "one-page=One page", "--variant", "two-pages=Two pages")
    for_all = ("features", "set", "checkout", "-e", "staging")

    terminal.run(*for_all, "--allocate", "one-page=10", "--allocate", "two-pages=2.5")
    assert terminal.out == "'checkout' in staging is now off, \"classic\"; variants: one-page 10%, two-pages 2.5%.\n"
    own = terminal.read_json(*for_all, "-s", "staff", "--allocate", "one-page=100")["environments"]["staging"]
    assert own["overrides"]["staff"]["allocation"] == {"one-page": 100}
    followed = terminal.read_json(*for_all, "-s", "staff", "--inherit", "allocation")["environments"]["staging"]
    assert followed["overrides"]["staff"]["allocation"] is None
    none = terminal.read_json(*for_all, "-s", "staff", "--no-allocation")["environments"]["staging"]
    assert none["overrides"]["staff"]["allocation"] == {}
    rows = terminal.run("environments", "compare", "staging", "production").out.splitlines()
    assert rows[1].split() == ["checkout", "allocation", "one-page", "10%,", "two-pages", "2.5%", "none"]

    ended = terminal.run(*for_all, "--value", "new")
    assert ended.out.startswith("'checkout' in staging is now off, \"new\".\n")
    assert "This ended the allocation" in ended.out


def test_shares_that_are_no_numbers_and_contradictions_are_refused(terminal: Terminal) -> None:
    for_all = ("features", "set", "checkout", "-e", "staging")

    assert terminal.run(*for_all, "--allocate", "one-page").code == 2
    assert "such as one-page=10, not 'one-page'" in terminal.err
    assert terminal.run(*for_all, "--allocate", "one-page=10", "--no-allocation").code == 2
    assert terminal.run(*for_all, "--inherit", "allocation").code == 2
