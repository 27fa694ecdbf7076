"""Every command has help, works against the real API, supports --json if it prints a response, and reports an unreachable API."""

import itertools
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from api.cli.help_panels import ORDER
from tests.cli.commands import COMMANDS
from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.ports import free_port

RESPONDING = {
    "audit": "--limit 3",
    "environments compare": "staging production --all",
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
    "metrics ask": "errors --feature checkout --environment staging --at-most 9",
    "metrics create": "FOLDER/metric.json",
    "metrics export": "errors",
    "metrics list": "",
    "metrics replace": "errors FOLDER/metric-2.json --yes",
    "metrics show": "errors",
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
    "provider show": "",
    "releases add": "standby standard --yes",
    "releases experiments": "RELEASE",
    "releases list": "",
    "releases pause": "RELEASE",
    "releases remove": "RELEASE --yes",
    "releases rollback": "RELEASE --wait 0 --yes",
    "releases samples": "RELEASE",
    "releases show": "RELEASE",
    "segments create": "FOLDER/segment.json",
    "segments export": "staff",
    "segments list": "",
    "segments replace": "staff FOLDER/rules.json --yes",
    "segments show": "staff",
    "sources change": "files --name Files",
    "sources check": "files",
    "sources create": "more sql sqlite:///shop.db",
    "sources list": "",
    "sources show": "files",
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
"""Commands that print a response, with their arguments."""

DELETING = {
    "freezes delete": "FREEZE --yes",
    "environments delete": "idle --yes",
    "features delete": "standby --yes",
    "keys revoke": "KEY --yes",
    "pipelines delete": "draft --yes",
    "projects delete": "PROJECT-spare --yes",
    "segments delete": "beta-users --yes",
    "metrics delete": "errors --yes",
    "sources delete": "unused --yes",
    "webhooks delete": "WEBHOOK --yes",
}
"""Commands that delete something and have no response to print."""

FOLLOWING = {"releases watch": "ENDED"}
"""Commands that print a JSON document per step."""

REFUSED_NOW = {
    "releases advance": "RELEASE --yes",
    "releases approve": "RELEASE --yes",
    "releases reject": "RELEASE --yes",
    "releases restart": "RELEASE Development --yes",
    "releases resume": "RELEASE",
    "releases retry": "RELEASE --yes",
    "releases skip": "RELEASE --yes",
}
"""Commands that are refused in these tests: Temporal is down, and no release is blocked."""

WITHOUT_CONFIRMATION = {"features set", *REFUSED_NOW}
"""Commands that don't ask in these tests: nothing is lost, or they are refused first."""

REPORTING = {"status": ""}
"""Commands that report by their exit code, tested in test_status.py."""

OTHER_SYSTEMS = frozenset({"import flagsmith", "import unleash", "provider check", "provider connect", "provider disconnect"})
"""Commands that need another flag system, tested in tests/unleash and tests/flagsmith."""

PROCESSES = frozenset({"api", "bootstrap", "dev", "experiments plan", "migrate", "replay", "secret-key", "worker"})
"""Commands without the API. test_processes.py, test_bootstrap.py, test_experiments.py, tests/workflows/test_replay_gate.py and
tests/embedded have their tests.
"""

CALLING = RESPONDING | DELETING | FOLLOWING | REFUSED_NOW | REPORTING


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that commands read."""
    rules = [{"type": "ALL", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"}]}]
    documents = {
        "pipeline.json": pipeline(stage("Production", "production"), key="draft-too"),
        "segment.json": {"key": "pro", "rules": rules},
        "rules.json": {"rules": rules},
        "metric.json": {"key": "latency", "name": "Latency", "source": "files", "query": "SELECT 1"},
        "metric-2.json": {"name": "Errors", "source": "files", "query": "SELECT 2"},
    }
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    return tmp_path


NUMBERS = itertools.count(1)


class Workspace:
    """A terminal and a project with one of everything."""

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
        for source in ("files", "unused"):
            body = {"key": source, "name": source, "kind": "sql", "address": "sqlite:///shop.db"}
            api.post(f"/projects/{project}/sources", body)
        api.post(f"/projects/{project}/metrics", {"key": "errors", "name": "Errors", "source": "files", "query": "SELECT 1"})
        stop = api.post(f"/projects/{project}/stops", {"reason": "to be lifted", "environment": "idle"})["id"]
        period = {"name": "F", "starts_at": "2030-01-01T00:00Z", "ends_at": "2030-01-02T00:00Z"}
        freeze = api.post(f"/projects/{project}/freezes", period)["id"]
        [delivery, *_] = api.get(f"/projects/{project}/webhooks/{webhook}/deliveries")["items"]
        self.values = {
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

    def run(self, command: str, *more: str) -> Terminal:
        """Run a command from the tables."""
        return self.terminal.run(*_typed(command, self.values), *more)

    def snapshot(self) -> list[Any]:
        """Return the last audit entry and all projects."""
        return [self.terminal.read_json("audit", "--limit", "1"), self.terminal.read_json("projects", "list", "--limit", "1000")]


def _typed(command: str, values: dict[str, str]) -> list[str]:
    words = CALLING[command]
    for name, value in values.items():
        words = words.replace(name, value)
    return [*command.split(), *shlex.split(words)]


@pytest.fixture
def workspace(api: Api, folder: Path) -> Workspace:
    """A terminal and a project with one of everything."""
    return Workspace(api, folder)


def test_every_command_is_tested() -> None:
    assert set(COMMANDS) == set(CALLING) | OTHER_SYSTEMS | PROCESSES


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_parameters_have_help(command: str) -> None:
    found = COMMANDS[command]

    assert found.help
    assert found.help.strip().endswith(".")
    assert found.rich_help_panel in ORDER or len(command.split()) == 1
    assert [each.name for each in found.params if not each.help] == []


@pytest.mark.parametrize("command", RESPONDING)
def test_a_command_prints_its_response_words_or_as_json(command: str, api: Api, folder: Path) -> None:
    words, document = Workspace(api, folder).run(command), Workspace(api, folder).run(command, "--json")

    assert (words.code, words.err) == (0, "")
    assert words.out.strip()
    assert (document.code, document.err) == (0, "")
    assert json.loads(document.out)


@pytest.mark.parametrize("command", DELETING)
def test_a_deleting_command_reports_the_deletion(command: str, workspace: Workspace) -> None:
    done = workspace.run(command)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(("Deleted", "Revoked"))


@pytest.mark.parametrize("command", [name for name in CALLING if "--yes" in CALLING[name] and name not in WITHOUT_CONFIRMATION])
def test_an_irreversible_command_asks_and_declining_changes_nothing(command: str, workspace: Workspace) -> None:
    typed = [word for word in _typed(command, workspace.values) if word != "--yes"]
    before = workspace.snapshot()

    declined = workspace.terminal.run(*typed, answers="n\n")

    assert declined.code == 1
    assert "[y/N]" in declined.err
    assert workspace.snapshot() == before


@pytest.mark.parametrize("command", FOLLOWING)
def test_a_following_command_prints_one_document_per_line(command: str, workspace: Workspace) -> None:
    followed = workspace.run(command, "--json")

    assert [json.loads(line)["status"] for line in followed.out.splitlines()] == ["removed"]


@pytest.mark.parametrize("command", REFUSED_NOW)
def test_a_command_that_is_not_allowed_now_is_refused(command: str, workspace: Workspace) -> None:
    refused = workspace.run(command)

    assert (refused.code, refused.out) == (1, "")
    assert refused.err


@pytest.mark.parametrize("command", [name for name in REFUSED_NOW if name != "releases resume"])
def test_a_refused_command_does_not_ask_for_confirmation(command: str, workspace: Workspace) -> None:
    refused = workspace.terminal.run(*(word for word in _typed(command, workspace.values) if word != "--yes"))

    assert (refused.code, refused.out) == (1, "")
    assert "allowed now: pause, rollback, remove" in refused.err
    assert "[y/N]" not in refused.err


@pytest.mark.parametrize("command", CALLING)
def test_an_unreachable_api_is_reported(command: str, folder: Path) -> None:
    values = {"STOP": "4", "FREEZE": "5", "PROJECT": "shop", "RELEASE": "1", "ENDED": "2", "KEY": "3", "FOLDER": str(folder)}

    result = Terminal(f"http://127.0.0.1:{free_port()}").run(*_typed(command, values))

    assert (result.code, result.out) == (3, "")
    assert "FLAGHOIST_URL" in result.err
