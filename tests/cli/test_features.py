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


def test_a_change_to_a_flag_on_its_way_is_warned_of(terminal: Terminal, published: str) -> None:
    terminal.types("releases", "add", "checkout", "standard", "--yes")

    terminal.types("features", "set", "checkout", "-e", "staging", "--disabled")

    assert "Warning: The flag is in release" in terminal.out


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
