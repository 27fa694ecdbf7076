"""Every command explains itself, works against the real API, answers in JSON where it answers something, and says when nobody answers."""

import itertools
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.help_panels import ORDER
from tests.cli.commands import COMMANDS
from tests.cli.conftest import Terminal
from tests.conftest import serve
from tests.http import Api, free_port
from tests.pipelines import pipeline, stage

ANSWERING = {
    "audit": "--limit 3",
    "environments create": "test",
    "environments list": "",
    "environments rename": "staging Stage",
    "environments show": "staging",
    "environments rotate-key": "staging client --yes",
    "features change": "checkout --name Checkout",
    "features create": "banner --type string --value hello",
    "features list": "",
    "features set": "checkout -e staging --enabled --yes",
    "features show": "checkout",
    "keys create": "laptop --owner erin --grant PROJECT:viewer",
    "keys list": "",
    "keys rotate": "KEY --yes",
    "pipelines archive": "standard --yes",
    "pipelines clone": "standard",
    "pipelines create": "FOLDER/pipeline.json",
    "pipelines export": "standard",
    "pipelines list": "",
    "pipelines publish": "draft --yes",
    "pipelines replace": "draft FOLDER/pipeline.json",
    "pipelines show": "standard",
    "projects create": "PROJECT-too",
    "projects list": "",
    "projects rename": "PROJECT Shop",
    "projects show": "PROJECT",
    "releases add": "standby standard --yes",
    "releases list": "",
    "releases pause": "RELEASE",
    "releases remove": "RELEASE --yes",
    "releases rollback": "RELEASE --wait 0 --yes",
    "releases show": "RELEASE",
    "segments create": "FOLDER/segment.json",
    "segments export": "staff",
    "segments list": "",
    "segments replace": "staff FOLDER/rules.json",
    "segments show": "staff",
    "freezes create": "Christmas 2026-12-23T18:00Z 2027-01-04T08:00Z",
    "freezes list": "",
    "stops lift": "STOP --yes",
    "stops list": "",
    "stops place": "--reason incident",
    "simulate": "standard --feature standby",
    "templates": "",
    "webhooks change": "WEBHOOK --name Chat",
    "webhooks create": "https://93.184.216.34/ -e release.blocked",
    "webhooks deliveries": "WEBHOOK --limit 3",
    "webhooks list": "",
    "webhooks resend": "WEBHOOK DELIVERY",
    "webhooks rotate": "WEBHOOK --yes",
    "webhooks show": "WEBHOOK",
    "whoami": "",
}
"""Commands that answer something, with what is typed after them."""

SILENT = {
    "freezes delete": "FREEZE --yes",
    "environments delete": "idle --yes",
    "features delete": "standby --yes",
    "keys revoke": "KEY --yes",
    "pipelines delete": "draft --yes",
    "projects delete": "PROJECT-spare --yes",
    "segments delete": "beta-users --yes",
    "webhooks delete": "WEBHOOK --yes",
}
"""Commands after which nothing is left to show."""

FOLLOWING = {"releases watch": "ENDED"}
"""Commands that print a line for each step, of which each is a JSON document."""

NEEDING_TEMPORAL = {
    "releases advance": "RELEASE --yes",
    "releases approve": "RELEASE --yes",
    "releases reject": "RELEASE --yes",
    "releases restart": "RELEASE Development --yes",
    "releases resume": "RELEASE",
    "releases retry": "RELEASE --yes",
    "releases skip": "RELEASE --yes",
}
"""Commands that are refused here, where Temporal is down and no release is blocked."""

NOT_ASKING = {"features set", *NEEDING_TEMPORAL}
"""Commands that don't ask here: nothing is lost by them, or they are refused before."""

TELLING = {"status": ""}
"""Commands whose exit code is a part of what they tell; of test_status.py."""

PROCESSES = frozenset({"api", "bootstrap", "dev", "migrate", "worker"})
"""Commands of test_processes.py, test_bootstrap.py and tests/embedded."""

CALLING = ANSWERING | SILENT | FOLLOWING | NEEDING_TEMPORAL | TELLING


@pytest.fixture(scope="module")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API for all commands, while Temporal is down: each has a project of its own."""
    path = tmp_path_factory.mktemp("commands") / "flaghoist.db"
    shutil.copy(migrated_sqlite, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
        yield from serve(f"sqlite:///{path}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents that commands read."""
    rules = [{"type": "ALL", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"}]}]
    documents = {
        "pipeline.json": pipeline(stage("Production", "production"), key="draft-too"),
        "segment.json": {"key": "pro", "rules": rules},
        "rules.json": {"rules": rules},
    }
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    return tmp_path


NUMBERS = itertools.count(1)


class Desk:
    """A terminal in a project that has one of everything."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.project = project = f"shop-{next(NUMBERS)}"
        api.make_project(project)
        api.post("/projects", {"key": f"{project}-spare"})
        api.post(f"/projects/{project}/environments", {"key": "idle"})
        for feature in ("gone", "standby"):
            api.post(f"/projects/{project}/features", {"key": feature})
        api.publish(pipeline(stage("Development")), project)
        api.post(f"/projects/{project}/pipelines", pipeline(stage("Development"), key="draft"))
        ended = api.add("gone", project=project)["id"]
        api.post(f"/projects/{project}/releases/{ended}/remove")
        grant = {"project": project, "role": "viewer"}
        key = api.post("/keys", {"name": "old", "owner": {"kind": "person", "name": "frank"}, "grants": [grant]})["id"]
        self.terminal = Terminal(api.address, FLAGHOIST_PROJECT=project)
        release = api.add(project=project)["id"]
        webhook = api.post(f"/projects/{project}/webhooks", {"url": "https://93.184.216.34/hook"})["id"]
        stop = api.post(f"/projects/{project}/stops", {"reason": "to be lifted", "environment": "idle"})["id"]
        period = {"name": "F", "starts_at": "2030-01-01T00:00Z", "ends_at": "2030-01-02T00:00Z"}
        freeze = api.post(f"/projects/{project}/freezes", period)["id"]
        [delivery, *_] = api.get(f"/projects/{project}/webhooks/{webhook}/deliveries")["items"]
        self.places = {
            "WEBHOOK": webhook,
            "DELIVERY": delivery["id"],
            "STOP": stop,
            "FREEZE": freeze,
            "PROJECT": project,
            "RELEASE": release,
            "ENDED": ended,
            "KEY": key,
            "FOLDER": str(folder),
        }

    def types(self, command: str, *more: str) -> Terminal:
        """Run a command of the tables."""
        return self.terminal.types(*_typed(command, self.places), *more)

    def looks(self) -> list[Any]:
        """What was done last, and which projects there are."""
        return [self.terminal.reads("audit", "--limit", "1"), self.terminal.reads("projects", "list", "--limit", "1000")]


def _typed(command: str, places: dict[str, str]) -> list[str]:
    words = CALLING[command]
    for name, meaning in places.items():
        words = words.replace(name, meaning)
    return [*command.split(), *shlex.split(words)]


@pytest.fixture
def desk(server: Api, folder: Path) -> Desk:
    """A terminal in a project that has one of everything."""
    return Desk(server, folder)


def test_no_command_is_left_out() -> None:
    assert set(COMMANDS) == set(CALLING) | PROCESSES


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_and_each_thing_that_it_takes(command: str) -> None:
    found = COMMANDS[command]

    assert found.help
    assert found.help.strip().endswith(".")
    assert found.rich_help_panel in ORDER or len(command.split()) == 1
    assert [each.name for each in found.params if not each.help] == []


@pytest.mark.parametrize("command", ANSWERING)
def test_a_command_that_answers_something_says_it_in_words_and_another_time_in_json(command: str, server: Api, folder: Path) -> None:
    in_words, in_json = Desk(server, folder).types(command), Desk(server, folder).types(command, "--json")

    assert (in_words.code, in_words.err) == (0, "")
    assert in_words.out.strip()
    assert (in_json.code, in_json.err) == (0, "")
    assert json.loads(in_json.out)


@pytest.mark.parametrize("command", SILENT)
def test_a_command_that_takes_something_away_says_so(command: str, desk: Desk) -> None:
    done = desk.types(command)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(("Deleted", "Revoked"))


@pytest.mark.parametrize("command", [name for name in CALLING if "--yes" in CALLING[name] and name not in NOT_ASKING])
def test_a_command_that_can_not_be_undone_asks_and_a_no_changes_nothing(command: str, desk: Desk) -> None:
    typed = [word for word in _typed(command, desk.places) if word != "--yes"]
    before = desk.looks()

    said_no = desk.terminal.types(*typed, answers="n\n")

    assert said_no.code == 1
    assert "[y/N]" in said_no.err
    assert desk.looks() == before


@pytest.mark.parametrize("command", FOLLOWING)
def test_a_command_that_follows_prints_a_document_a_line(command: str, desk: Desk) -> None:
    followed = desk.types(command, "--json")

    assert [json.loads(line)["status"] for line in followed.out.splitlines()] == ["removed"]


@pytest.mark.parametrize("command", NEEDING_TEMPORAL)
def test_a_command_that_makes_no_sense_now_is_refused(command: str, desk: Desk) -> None:
    refused = desk.types(command)

    assert (refused.code, refused.out) == (1, "")
    assert refused.err


@pytest.mark.parametrize("command", [name for name in NEEDING_TEMPORAL if name != "releases resume"])
def test_nobody_is_asked_about_what_would_be_refused(command: str, desk: Desk) -> None:
    refused = desk.terminal.types(*(word for word in _typed(command, desk.places) if word != "--yes"))

    assert (refused.code, refused.out) == (1, "")
    assert "allowed now: pause, rollback, remove" in refused.err
    assert "[y/N]" not in refused.err


@pytest.mark.parametrize("command", CALLING)
def test_a_command_says_when_nobody_answers(command: str, folder: Path) -> None:
    places = {"STOP": "4", "FREEZE": "5", "PROJECT": "shop", "RELEASE": "1", "ENDED": "2", "KEY": "3", "FOLDER": str(folder)}

    unanswered = Terminal(f"http://127.0.0.1:{free_port()}").types(*_typed(command, places))

    assert (unanswered.code, unanswered.out) == (3, "")
    assert "FLAGHOIST_URL" in unanswered.err
