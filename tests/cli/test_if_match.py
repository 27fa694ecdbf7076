"""A person confirms what they saw: if somebody changes it meanwhile, the command changes nothing and says what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import pipeline, stage

SHOP = "/projects/shop"
FLAG = f"{SHOP}/environments/staging/features/checkout"


def _changes(path: str, **body: Any) -> Callable[[Api], Any]:
    return lambda api: api.patch(SHOP + path, body)


def _replaces_key(api: Api) -> Any:
    return api.post(f"{SHOP}/environments/staging/keys/client/rotate")


def _archives(api: Api) -> Any:
    return api.post(f"{SHOP}/pipelines/standard/archive")


MEANWHILE: dict[str, Callable[[Api], Any]] = {
    "projects delete shop": _changes("", name="Web shop"),
    "environments delete staging": _changes("/environments/staging", name="Stage"),
    "environments rotate-key staging client": _replaces_key,
    "segments delete staff": _changes("/segments/staff", rules=[]),
    "segments replace staff FILE": _changes("/segments/staff", name="Everyone here"),
    "features delete checkout": _changes("/features/checkout", description="The new checkout"),
    "features set checkout -e staging -s staff --no-override": _changes("/environments/staging/features/checkout", enabled=True),
    "pipelines archive standard": _archives,
    "webhooks rotate WEBHOOK": _changes("/webhooks/WEBHOOK", name="Chat"),
    "webhooks delete WEBHOOK": _changes("/webhooks/WEBHOOK", name="Chat"),
    "keys rotate KEY": lambda api: api.post("/keys/KEY/rotate"),
    "keys revoke KEY": lambda api: api.post("/keys/KEY/rotate"),
    "stops lift STOP": lambda api: api.post(f"{SHOP}/stops/STOP/lift"),
}
"""Command -> the change that somebody else makes before the answer."""


class _Named(Api):
    """The API with one key, with the ids of objects in place of their names."""

    def __init__(self, api: Api, ids: dict[str, str]) -> None:
        self.client = api.client
        self._ids = ids

    def _path(self, path: str) -> str:
        for name, id_ in self._ids.items():
            path = path.replace(name, id_)
        return path

    def patch(self, path: str, body: Any) -> Any:
        """PATCH the object with that name."""
        return super().patch(self._path(path), body)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST to the object with that name."""
        return super().post(self._path(path), body, **headers)


@pytest.fixture
def ids(api: Api, terminal: Terminal, tmp_path: Path) -> dict[str, str]:
    """The ids of one of everything."""
    (file := tmp_path / "segment.json").write_text(json.dumps({"rules": []}))
    api.publish(pipeline(stage("Development")))
    api.patch(FLAG, {"overrides": {"staff": {"enabled": True}}})
    grant = {"project": "shop", "role": "viewer"}
    return {
        "FILE": str(file),
        "WEBHOOK": api.post(f"{SHOP}/webhooks", {"url": "https://93.184.216.34/hook"})["id"],
        "KEY": api.post("/keys", {"name": "old", "owner": {"kind": "person", "name": "frank"}, "grants": [grant]})["id"],
        "STOP": api.post(f"{SHOP}/stops", {"reason": "incident"})["id"],
    }


@pytest.mark.parametrize("command", MEANWHILE)
def test_what_was_changed_since_it_was_shown_is_left_alone(
    command: str, terminal: Terminal, api: Api, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = _Named(api, ids)
    newest: list[Any] = []

    def agree(_question: str, **_options: Any) -> bool:
        MEANWHILE[command](named)
        newest.append(api.get("/audit", limit=1))
        return True

    monkeypatch.setattr(typer, "confirm", agree)
    refused = terminal.run(*(ids.get(word, word) for word in command.split()))

    assert refused.code == 1
    assert "changed since you read it" in refused.err
    assert refused.err.endswith("Nothing was changed. Run the command again: it shows the current state.\n")
    assert newest == [api.get("/audit", limit=1)]


def test_what_is_unchanged_since_it_was_shown_is_changed(terminal: Terminal, api: Api, ids: dict[str, str]) -> None:
    for command in MEANWHILE:
        if not command.startswith(("projects", "segments delete", "features delete", "environments delete")):
            assert terminal.run(*(ids.get(word, word) for word in command.split()), answers="y\n").code == 0, (command, terminal.err)

    assert api.get(FLAG)["overrides"] == {}
    assert api.get(f"{SHOP}/segments/staff")["rules"] == []
