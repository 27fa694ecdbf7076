"""The commands for pipelines."""

import json
from pathlib import Path

from tests.cli.conftest import Terminal
from tests.completed import complete_many
from tests.http import Api
from tests.pipelines import pipeline, stage


def test_a_file_is_drafted_and_publishing_shows_the_effect_and_asks(terminal: Terminal, definition: Path) -> None:
    terminal.run("pipelines", "create", str(definition))
    assert terminal.code == 0
    assert "Drafted 'standard' version 1" in terminal.out

    terminal.run("pipelines", "publish", "standard", answers="y\n")
    assert terminal.code == 0
    assert "2. Beta (production), after 1 d: enable for beta-users" in terminal.err
    assert "Published 'standard' version 1." in terminal.out


def test_declining_publishes_nothing(terminal: Terminal, definition: Path) -> None:
    terminal.run("pipelines", "create", str(definition))

    assert terminal.run("pipelines", "publish", "standard", answers="n\n").code == 1

    assert terminal.read_json("pipelines", "show", "standard")["status"] == "draft"


def test_yes_skips_the_confirmation(terminal: Terminal, definition: Path) -> None:
    terminal.run("pipelines", "create", str(definition))

    published = terminal.read_json("pipelines", "publish", "standard", "--yes")

    assert published["status"] == "published"
    assert terminal.err == ""


def test_every_problem_is_printed_with_its_pointer(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(pipeline(stage("Development", "nowhere"), stage("Later", "neverland"))))
    terminal.run("pipelines", "create", str(file))

    terminal.run("pipelines", "publish", "standard", "--yes")

    assert terminal.code == 1
    assert "/stages/0/environment" in terminal.err
    assert "/stages/1/environment" in terminal.err


def test_an_invalid_definition_is_refused_with_pointers(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(pipeline(stage("Development", wait="soon"))))

    assert terminal.run("pipelines", "create", str(file)).code == 1

    assert "/stages/0/trigger/duration" in terminal.err


def test_a_json_file_with_invalid_json_is_a_usage_error(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text("key: standard")

    assert terminal.run("pipelines", "create", str(file)).code == 2

    assert "is not a JSON document" in terminal.err
    assert terminal.run("pipelines", "create", str(tmp_path / "none.json")).code == 2


def test_a_definition_is_read_from_standard_input(terminal: Terminal, definition: Path) -> None:
    assert terminal.run("pipelines", "create", "-", answers=definition.read_text()).code == 0


def test_yaml_and_json_definitions_are_equivalent(terminal: Terminal, definition: Path, tmp_path: Path) -> None:
    original = terminal.read_json("pipelines", "create", str(definition))
    file = tmp_path / "standard.yaml"
    file.write_text(terminal.run("pipelines", "export", "standard").out.replace("key: standard", "key: other"))

    copy = terminal.read_json("pipelines", "create", str(file))

    assert copy["key"] == "other"
    assert copy["stages"] == original["stages"]
    assert terminal.run("pipelines", "create", "-", answers=file.read_text().replace("key: other", "key: third")).code == 0


def test_a_draft_is_exported_edited_and_replaced_while_the_published_version_stays(
    terminal: Terminal, published: str, tmp_path: Path
) -> None:
    terminal.run("pipelines", "clone", "standard", "--name", "Drafted")
    file = tmp_path / "standard.yaml"

    file.write_text(terminal.run("pipelines", "export", "standard").out.replace("name: Beta", "name: Friends"))
    terminal.run("pipelines", "replace", "standard", str(file))

    assert "Drafted 'standard' version 2" in terminal.out
    assert terminal.read_json("pipelines", "export", "standard")["stages"][1]["name"] == "Friends"
    assert terminal.read_json("pipelines", "export", "standard")["name"] == "Drafted"
    assert terminal.read_json("pipelines", "show", published)["stages"][1]["name"] == "Beta"


def test_a_published_pipeline_cannot_be_replaced(terminal: Terminal, published: str, definition: Path) -> None:
    assert terminal.run("pipelines", "replace", "standard", str(definition)).code == 1

    assert "can't be changed: clone it" in terminal.err


def test_pipelines_are_listed_with_their_releases(terminal: Terminal, published: str) -> None:
    terminal.run("releases", "add", "checkout", "standard", "--yes")

    terminal.run("pipelines", "list")

    assert "standard" in terminal.out
    assert "1 starting" in terminal.out
    assert [each["id"] for each in terminal.read_json("pipelines", "list")] == [published]


def test_a_pipeline_is_shown_with_the_flags_in_its_stages(terminal: Terminal, published: str) -> None:
    terminal.run("releases", "add", "checkout", "standard", "--stage", "Beta", "--yes")

    terminal.run("pipelines", "show", "standard")

    beta = next(line for line in terminal.out.splitlines() if line.startswith("Beta"))
    assert beta.split()[-1] == "checkout"


def test_a_draft_can_be_deleted_and_a_published_version_cannot(terminal: Terminal, published: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps(pipeline(stage("Development"), key="other")))
    terminal.run("pipelines", "create", str(file))

    assert terminal.run("pipelines", "delete", "other", answers="y\n").code == 0
    assert terminal.run("pipelines", "delete", published, "--yes").code == 1

    assert [each["key"] for each in terminal.read_json("pipelines", "list")] == ["standard"]


def test_publish_and_delete_by_key_affect_the_draft_only(terminal: Terminal, published: str) -> None:
    terminal.run("pipelines", "clone", "standard")
    assert terminal.code == 0
    assert "Drafted 'standard' version 2" in terminal.out
    assert terminal.run("pipelines", "clone", "standard").code == 1
    assert "already has a draft" in terminal.err

    assert "Deleted 'standard' version 2." in terminal.run("pipelines", "delete", "standard", "--yes").out
    draft = terminal.read_json("pipelines", "clone", published)
    assert "Published 'standard' version 2." in terminal.run("pipelines", "publish", "standard", answers="y\n").out

    assert terminal.read_json("pipelines", "show", "standard")["id"] == draft["id"]
    assert terminal.run("pipelines", "delete", "standard", "--yes").code == 1


def test_a_pipeline_is_cloned_onto_a_new_key(terminal: Terminal, published: str) -> None:
    copy = terminal.read_json("pipelines", "clone", published, "--key", "other", "--name", "Other way")

    assert (copy["key"], copy["name"], copy["version"], copy["status"]) == ("other", "Other way", 1, "draft")


def test_a_clone_with_its_own_key_is_the_next_version(terminal: Terminal, published: str) -> None:
    clone = terminal.read_json("pipelines", "clone", "standard", "--key", "standard", "--name", "Second")

    assert (clone["key"], clone["name"], clone["version"], clone["status"]) == ("standard", "Second", 2, "draft")


def test_archiving_shows_the_effect_and_asks(terminal: Terminal, published: str) -> None:
    assert terminal.run("pipelines", "archive", "standard", answers="n\n").code == 1
    assert terminal.read_json("pipelines", "show", published)["status"] == "published"

    assert "Archived 'standard'." in terminal.run("pipelines", "archive", "standard", answers="y\n").out
    assert terminal.code == 0
    assert "No version of 'standard' will accept new releases" in terminal.err

    assert terminal.read_json("pipelines", "archive", "standard", "--yes")["status"] == "archived"
    assert terminal.run("releases", "add", "checkout", "standard", "--yes").code == 1
    assert "/pipeline: 'standard' is archived" in terminal.err


def test_a_pipeline_lists_recently_completed_flags_and_counts_the_rest(
    terminal: Terminal, api: Api, sqlite_url: str, published: str
) -> None:
    assert "Completed" not in terminal.run("pipelines", "show", published).out

    complete_many(api, sqlite_url, 52)

    assert "Completed in the last 30 days: flag-0, flag-1, " in terminal.run("pipelines", "show", published).out
    assert "flag-49, and 2 more" in terminal.out
