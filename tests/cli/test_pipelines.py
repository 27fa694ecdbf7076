"""Pipelines, from a terminal."""

import json
from pathlib import Path

from tests.cli.conftest import Terminal
from tests.completed import complete_many
from tests.http import Api
from tests.pipelines import pipeline, stage


def test_a_file_is_drafted_and_published_after_its_effect_was_shown(terminal: Terminal, definition: Path) -> None:
    terminal.types("pipelines", "create", str(definition))
    assert terminal.code == 0
    assert "Drafted 'standard' version 1" in terminal.out

    terminal.types("pipelines", "publish", "standard", answers="y\n")
    assert terminal.code == 0
    assert "2. Beta (production), after 1 d: enable for beta-users" in terminal.err
    assert "Published 'standard' version 1." in terminal.out


def test_a_no_publishes_nothing(terminal: Terminal, definition: Path) -> None:
    terminal.types("pipelines", "create", str(definition))

    assert terminal.types("pipelines", "publish", "standard", answers="n\n").code == 1

    assert terminal.reads("pipelines", "show", "standard")["status"] == "draft"


def test_yes_is_not_asked(terminal: Terminal, definition: Path) -> None:
    terminal.types("pipelines", "create", str(definition))

    answer = terminal.reads("pipelines", "publish", "standard", "--yes")

    assert answer["status"] == "published"
    assert terminal.err == ""


def test_every_problem_is_printed_with_its_pointer(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(pipeline(stage("Development", "nowhere"), stage("Later", "neverland"))))
    terminal.types("pipelines", "create", str(file))

    terminal.types("pipelines", "publish", "standard", "--yes")

    assert terminal.code == 1
    assert "/stages/0/environment" in terminal.err
    assert "/stages/1/environment" in terminal.err


def test_a_wrong_definition_is_refused_with_pointers(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(pipeline(stage("Development", wait="soon"))))

    assert terminal.types("pipelines", "create", str(file)).code == 1

    assert "/stages/0/trigger/duration" in terminal.err


def test_what_is_not_json_is_wrong_usage(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text("key: standard")

    assert terminal.types("pipelines", "create", str(file)).code == 2

    assert "is not a JSON document" in terminal.err
    assert terminal.types("pipelines", "create", str(tmp_path / "none.json")).code == 2


def test_a_definition_is_read_from_a_pipe(terminal: Terminal, definition: Path) -> None:
    assert terminal.types("pipelines", "create", "-", answers=definition.read_text()).code == 0


def test_yaml_says_the_same_as_json(terminal: Terminal, definition: Path, tmp_path: Path) -> None:
    written = terminal.reads("pipelines", "create", str(definition))
    file = tmp_path / "standard.yaml"
    file.write_text(terminal.types("pipelines", "export", "standard").out.replace("key: standard", "key: other"))

    made = terminal.reads("pipelines", "create", str(file))

    assert made["key"] == "other"
    assert made["stages"] == written["stages"]
    assert terminal.types("pipelines", "create", "-", answers=file.read_text().replace("key: other", "key: third")).code == 0


def test_a_draft_is_exported_edited_and_given_back_while_the_published_one_stays(
    terminal: Terminal, published: str, tmp_path: Path
) -> None:
    terminal.types("pipelines", "clone", "standard", "--name", "Drafted")
    file = tmp_path / "standard.yaml"

    file.write_text(terminal.types("pipelines", "export", "standard").out.replace("name: Beta", "name: Friends"))
    terminal.types("pipelines", "replace", "standard", str(file))

    assert "Drafted 'standard' version 2" in terminal.out
    assert terminal.reads("pipelines", "export", "standard")["stages"][1]["name"] == "Friends"
    assert terminal.reads("pipelines", "export", "standard")["name"] == "Drafted"
    assert terminal.reads("pipelines", "show", published)["stages"][1]["name"] == "Beta"


def test_a_published_pipeline_is_not_replaced(terminal: Terminal, published: str, definition: Path) -> None:
    assert terminal.types("pipelines", "replace", "standard", str(definition)).code == 1

    assert "can't be changed: clone it" in terminal.err


def test_pipelines_are_listed_with_what_is_on_them(terminal: Terminal, published: str) -> None:
    terminal.types("releases", "add", "checkout", "standard", "--yes")

    terminal.types("pipelines", "list")

    assert "standard" in terminal.out
    assert "1 starting" in terminal.out
    assert [each["id"] for each in terminal.reads("pipelines", "list")] == [published]


def test_a_pipeline_is_shown_with_the_flags_in_its_stages(terminal: Terminal, published: str) -> None:
    terminal.types("releases", "add", "checkout", "standard", "--stage", "Beta", "--yes")

    terminal.types("pipelines", "show", "standard")

    beta = next(line for line in terminal.out.splitlines() if line.startswith("Beta"))
    assert beta.split()[-1] == "checkout"


def test_a_draft_is_deleted_and_a_published_one_is_not(terminal: Terminal, published: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps(pipeline(stage("Development"), key="other")))
    terminal.types("pipelines", "create", str(file))

    assert terminal.types("pipelines", "delete", "other", answers="y\n").code == 0
    assert terminal.types("pipelines", "delete", published, "--yes").code == 1

    assert [each["key"] for each in terminal.reads("pipelines", "list")] == ["standard"]


def test_a_clone_is_published_and_deleted_by_its_key_while_the_published_one_stays(terminal: Terminal, published: str) -> None:
    terminal.types("pipelines", "clone", "standard")
    assert terminal.code == 0
    assert "Drafted 'standard' version 2" in terminal.out
    assert terminal.types("pipelines", "clone", "standard").code == 1
    assert "already has a draft" in terminal.err

    assert "Deleted 'standard' version 2." in terminal.types("pipelines", "delete", "standard", "--yes").out
    draft = terminal.reads("pipelines", "clone", published)
    assert "Published 'standard' version 2." in terminal.types("pipelines", "publish", "standard", answers="y\n").out

    assert terminal.reads("pipelines", "show", "standard")["id"] == draft["id"]
    assert terminal.types("pipelines", "delete", "standard", "--yes").code == 1


def test_a_pipeline_is_cloned_onto_a_new_key(terminal: Terminal, published: str) -> None:
    made = terminal.reads("pipelines", "clone", published, "--key", "other", "--name", "Other way")

    assert (made["key"], made["name"], made["version"], made["status"]) == ("other", "Other way", 1, "draft")


def test_clone_with_its_own_key_is_the_next_version(terminal: Terminal, published: str) -> None:
    made = terminal.reads("pipelines", "clone", "standard", "--key", "standard", "--name", "Second")

    assert (made["key"], made["name"], made["version"], made["status"]) == ("standard", "Second", 2, "draft")


def test_a_pipeline_is_archived_after_its_effect_was_shown(terminal: Terminal, published: str) -> None:
    assert terminal.types("pipelines", "archive", "standard", answers="n\n").code == 1
    assert terminal.reads("pipelines", "show", published)["status"] == "published"

    assert "Archived 'standard'." in terminal.types("pipelines", "archive", "standard", answers="y\n").out
    assert terminal.code == 0
    assert "No version of 'standard' takes new releases" in terminal.err

    assert terminal.reads("pipelines", "archive", "standard", "--yes")["status"] == "archived"
    assert terminal.types("releases", "add", "checkout", "standard", "--yes").code == 1
    assert "/pipeline: 'standard' is archived" in terminal.err


def test_a_pipeline_names_the_flags_completed_lately_and_counts_the_others(
    terminal: Terminal, api: Api, sqlite_url: str, published: str
) -> None:
    assert "Completed" not in terminal.types("pipelines", "show", published).out

    complete_many(api, sqlite_url, 52)

    assert "Completed in the last 30 days: flag-0, flag-1, " in terminal.types("pipelines", "show", published).out
    assert "flag-49, and 2 more" in terminal.out
