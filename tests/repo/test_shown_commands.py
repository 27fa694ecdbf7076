"""Every command that a document shows exists, with its options, and every request that it shows is valid."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from api.app import create_app
from api.embedded.demo import WEBSHOP
from settings import Settings
from tests.binaries import TEMPORAL
from tests.cli.commands import ROOT as CLI
from tests.cli.commands import subcommands
from tests.repo.guide import NAMES, ROOT, commands, text_of
from tests.waiting import CEILING

OPERATIONS: dict[str, Any] = create_app(Settings()).openapi()
OURS = {"FLAGHOIST_URL", "FLAGHOIST_KEY", "FLAGHOIST_PROJECT", *(f"FLAGHOIST_{name.upper()}" for name in Settings.model_fields)}
INSTALL = ["--install-completion"]

_INLINE = re.compile(r"`((?:flaghoist|temporal) [^`]+)`")


def _shown(program: str) -> list[tuple[str, list[str]]]:
    """Return (document, the words after the program's name) of each command in a code block."""
    shown = [(name, words) for name in NAMES for words in commands(text_of(name))]
    return [(name, words[1:]) for name, words in shown if Path(words[0]).name == program]


def _mentioned(program: str) -> list[tuple[str, list[str]]]:
    """Return the same for commands within sentences, which may be incomplete."""
    found = [(name, shown.split()) for name in NAMES for shown in _INLINE.findall(text_of(name))]
    return [(name, words[1:]) for name, words in found if words[0] == program]


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command and the words after it."""
    found, rest = CLI, list(words)
    while rest and rest[0] in getattr(found, "commands", {}):
        found = subcommands(found)[rest.pop(0)]
    return found, rest


def _options(words: list[str]) -> set[str]:
    return {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the project that the examples export."""
    monkeypatch.setenv("FLAGHOIST_PROJECT", "webshop")


@pytest.mark.parametrize(("name", "words"), _shown("flaghoist"))
def test_shown_command_exists_with_its_options(name: str, words: list[str]) -> None:
    command, rest = _command(words)

    if words[:1] != INSTALL:
        assert not hasattr(command, "commands"), f"{name}: there is no command {words}"
        command.make_context(command.name, rest)


@pytest.mark.parametrize(("name", "words"), _mentioned("flaghoist"))
def test_mentioned_command_exists_with_its_options(name: str, words: list[str]) -> None:
    command, rest = _command(words)
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}

    assert not hasattr(command, "commands") or not rest or rest[0].startswith("-"), f"{name}: there is no command {words}"
    assert _options(rest) <= options


@cache
def _help(*words: str) -> str:
    return subprocess.run([TEMPORAL, *words, "--help"], capture_output=True, text=True, check=True, timeout=CEILING).stdout


@pytest.mark.parametrize(("name", "words"), _shown("temporal") + _mentioned("temporal"))
def test_temporal_command_exists_with_its_options(name: str, words: list[str]) -> None:
    command = words[: 3 if words[:2] == ["worker", "deployment"] else 2]
    output = _help(*command)

    assert " ".join(["temporal", *command]) in output, name
    assert {option for option in _options(words) if option not in output} == set()


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, words in _shown("api") if words])
def test_shown_request_is_valid(name: str, words: list[str]) -> None:
    method, address, *rest = words
    url = urlsplit(address)
    found = [path for path in OPERATIONS["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), f"/api/v1{url.path}")]
    operation = OPERATIONS["paths"][min(found, key=lambda path: path.count("{"))][method.lower()]

    assert set(parse_qs(url.query)) <= {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    if rest:
        assert rest[0] == "-d", name
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        sent = (ROOT / rest[1][1:]).read_text() if rest[1].startswith("@") else rest[1]
        Draft202012Validator(schema | {"components": OPERATIONS["components"]}).validate(json.loads(sent))


def test_every_named_variable_exists() -> None:
    named = {variable for name in NAMES for variable in re.findall(r"FLAGHOIST_[A-Z_]+[A-Z]", text_of(name))}

    assert named <= OURS | {"FLAGHOIST_CHROMIUM", "FLAGHOIST_PROMETHEUS"}, "the programs of the tests are not settings"
    assert len(named) > 10


def test_guide_uses_flags_environments_and_segments_of_the_demo() -> None:
    shown = [words for name, words in _shown("flaghoist") if name.startswith("docs/guide/") and words[:1] != INSTALL]
    created = {words[2] for words in shown if words[:2] == ["features", "create"]}
    known = {"feature": _keys(WEBSHOP.features) | created, "environment": _keys(WEBSHOP.environments)}
    known["segment"] = _keys(WEBSHOP.segments)

    for words in shown:
        command, rest = _command(words)
        given = command.make_context(command.name, rest).params
        assert {kind: given[kind] for kind in known if isinstance(given.get(kind), str) and given[kind] not in known[kind]} == {}, words


def _keys(objects: list[dict[str, Any]]) -> set[str]:
    return {each["key"] for each in objects}


def test_commands_are_found() -> None:
    assert min(len(_shown("flaghoist")), len(_shown("api")), len(_shown("temporal")), len(_mentioned("flaghoist"))) >= 5
