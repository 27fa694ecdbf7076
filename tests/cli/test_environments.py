"""The commands for projects, environments and segments."""

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


def test_a_project_is_created_renamed_and_deleted(terminal: Terminal) -> None:
    assert terminal.run("projects", "create", "blog", "--name", "Our blog").out == "Created 'blog'.\n"
    assert terminal.run("projects", "show", "blog").out == "Our blog (blog)\n"
    assert terminal.run("projects", "rename", "blog", "The blog").out == "Renamed 'blog' to The blog.\n"
    listed = [(each["key"], each["name"]) for each in terminal.read_json("projects", "list")]
    assert listed == [("blog", "The blog"), ("shop", "shop")]

    terminal.run("projects", "delete", "blog", answers="y\n")

    assert "All environments, features, segments and pipelines of 'blog' are deleted with it." in terminal.err
    assert "blog" not in terminal.run("projects", "list").out


def test_an_environment_is_created_renamed_and_deleted(terminal: Terminal) -> None:
    terminal.run("environments", "create", "test", "--name", "Trial")
    assert "Trial" in terminal.run("environments", "list").out
    assert terminal.read_json("environments", "rename", "test", "Testing")["name"] == "Testing"

    assert terminal.run("environments", "delete", "test", answers="y\n").code == 0

    assert "The state of every flag in 'test' is deleted with it." in terminal.err
    assert terminal.run("environments", "show", "test").code == 1


def test_deleting_something_in_use_is_refused(terminal: Terminal, published: str) -> None:
    terminal.run("releases", "add", "checkout", "standard", "--yes")

    assert terminal.run("environments", "delete", "production", "--yes").code == 1
    assert terminal.run("projects", "delete", "shop", "--yes").code == 1
    assert terminal.run("features", "delete", "checkout", "--yes").code == 1
    assert terminal.run("segments", "delete", "beta-users", "--yes").code == 1


def test_a_segment_is_created_exported_edited_and_replaced(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pro.yaml"
    file.write_text(RULES)
    assert terminal.run("segments", "create", str(file)).out.startswith("Created 'pro'.\n")
    assert "any of (plan EQUAL pro, since LESS_THAN 2020-01-01)" in terminal.run("segments", "show", "pro").out

    file.write_text(terminal.run("segments", "export", "pro").out.replace("value: pro", "value: max"))
    terminal.run("segments", "replace", "pro", str(file), "--yes")

    assert "any of (plan EQUAL max, since LESS_THAN 2020-01-01)" in terminal.out
    exported, shown = terminal.read_json("segments", "export", "pro"), terminal.read_json("segments", "show", "pro")
    assert exported == {field: shown[field] for field in ("key", "name", "rules")}
    assert "staff" in terminal.run("segments", "list").out


def test_a_list_with_spaces_is_stored_without_them_and_a_warning_is_shown(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pro.yaml"
    file.write_text("key: pro\nrules: [{type: ALL, conditions: [{property: city, operator: IN, value: 'oslo, rome'}]}]")
    warning = "Warning: Stored as 'oslo,rome': spaces around list entries were removed. (/rules/0/conditions/0/value)"

    assert warning in terminal.run("segments", "create", str(file)).out
    assert warning in terminal.run("segments", "replace", "pro", str(file), "--yes").out
    assert "city IN oslo,rome" in terminal.run("segments", "show", "pro").out


def test_a_segment_cannot_be_replaced_with_the_definition_of_another(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pro.json"
    file.write_text(json.dumps({"key": "pro", "rules": []}))

    assert terminal.run("segments", "replace", "staff", str(file)).code == 2

    assert terminal.read_json("segments", "show", "staff")["rules"] != []


def test_invalid_rules_are_refused_with_pointers(terminal: Terminal) -> None:
    assert terminal.run("segments", "replace", "staff", "-", "--yes", answers="rules: [{type: MOST}]").code == 1

    assert "/rules/0/type" in terminal.err


def test_an_environment_is_shown_with_the_keys_that_the_api_returns(terminal: Terminal, api: Api) -> None:
    shown = terminal.read_json("environments", "show", "staging")

    output = terminal.run("environments", "show", "staging").out
    assert [each for each in ("client_key", "server_key") if shown.get(each) and shown[each] not in output] == []
