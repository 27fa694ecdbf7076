"""Projects, environments and segments, from a terminal."""

import json
from pathlib import Path

from tests.cli.conftest import Terminal
from tests.http import Api

RULES = """\
key: pro
name: Pro users
rules:
  - type: ANY
    conditions:
      - {property: plan, operator: EQUAL, value: pro}
      - {property: since, operator: LESS_THAN, value: 2020-01-01}
"""


def test_a_project_is_made_renamed_and_deleted(terminal: Terminal) -> None:
    assert terminal.types("projects", "create", "blog", "--name", "Our blog").out == "Made 'blog'.\n"
    assert terminal.types("projects", "show", "blog").out == "Our blog (blog)\n"
    assert terminal.types("projects", "rename", "blog", "The blog").out == "'blog' is now called The blog.\n"
    assert terminal.reads("projects", "list") == [{"key": "blog", "name": "The blog"}, {"key": "shop", "name": "shop"}]

    terminal.types("projects", "delete", "blog", answers="y\n")

    assert "All environments, features, segments and pipelines of 'blog' go with it." in terminal.err
    assert "blog" not in terminal.types("projects", "list").out


def test_an_environment_is_made_renamed_and_deleted(terminal: Terminal) -> None:
    terminal.types("environments", "create", "test", "--name", "Trial")
    assert "Trial" in terminal.types("environments", "list").out
    assert terminal.reads("environments", "rename", "test", "Testing")["name"] == "Testing"

    assert terminal.types("environments", "delete", "test", answers="y\n").code == 0

    assert "The state of every flag in 'test' goes with it." in terminal.err
    assert terminal.types("environments", "show", "test").code == 1


def test_what_is_in_use_is_not_deleted(terminal: Terminal, published: str) -> None:
    terminal.types("releases", "add", "checkout", "standard", "--yes")

    assert terminal.types("environments", "delete", "production", "--yes").code == 1
    assert terminal.types("projects", "delete", "shop", "--yes").code == 1
    assert terminal.types("features", "delete", "checkout", "--yes").code == 1
    assert terminal.types("segments", "delete", "beta-users", "--yes").code == 1


def test_a_segment_is_made_from_a_file_edited_and_given_back(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pro.yaml"
    file.write_text(RULES)
    assert terminal.types("segments", "create", str(file)).out == "Made 'pro'.\n"
    assert "any of (plan EQUAL pro, since LESS_THAN 2020-01-01)" in terminal.types("segments", "show", "pro").out

    file.write_text(terminal.types("segments", "export", "pro").out.replace("value: pro", "value: max"))
    terminal.types("segments", "replace", "pro", str(file))

    assert "any of (plan EQUAL max, since LESS_THAN 2020-01-01)" in terminal.out
    assert terminal.reads("segments", "export", "pro") | {"warnings": []} == terminal.reads("segments", "show", "pro")
    assert "staff" in terminal.types("segments", "list").out


def test_a_list_typed_with_spaces_is_stored_without_them_and_a_warning_is_shown(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pro.yaml"
    file.write_text("key: pro\nrules: [{type: ALL, conditions: [{property: city, operator: IN, value: 'oslo, rome'}]}]")
    warning = "Warning: Stored as 'oslo,rome': spaces around list entries were removed. (/rules/0/conditions/0/value)"

    assert warning in terminal.types("segments", "create", str(file)).out
    assert warning in terminal.types("segments", "replace", "pro", str(file)).out
    assert "city IN oslo,rome" in terminal.types("segments", "show", "pro").out


def test_a_segment_is_not_replaced_by_the_definition_of_another(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pro.json"
    file.write_text(json.dumps({"key": "pro", "rules": []}))

    assert terminal.types("segments", "replace", "staff", str(file)).code == 2

    assert terminal.reads("segments", "show", "staff")["rules"] != []


def test_wrong_rules_are_refused_with_pointers(terminal: Terminal) -> None:
    assert terminal.types("segments", "replace", "staff", "-", answers="rules: [{type: MOST}]").code == 1

    assert "/rules/0/type" in terminal.err


def test_an_environment_shows_the_keys_that_the_api_gives(terminal: Terminal, api: Api) -> None:
    shown = terminal.reads("environments", "show", "staging")

    said = terminal.types("environments", "show", "staging").out
    assert [each for each in ("client_key", "server_key") if shown.get(each) and shown[each] not in said] == []
