"""The deployment without containers matches the Compose file, our settings and our commands. Neither systemd nor nginx runs here."""

import re
import subprocess
import tomllib
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from sqlalchemy import make_url

from api.cli.app import app
from settings import Settings
from tests.cluster.temporal_server import MODULE, PROGRAMS, server_version
from tests.repo.compose import ROOT, environment_of, services
from tests.repo.guide import blocks, commands, text_of
from tests.waiting import CEILING
from worker import GRACE

PAGE = text_of("docs/guide/deploying-natively.md")
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SECRETS = "/etc/flaghoist"
"""The folder of the environment files."""


def _directives(path: Path) -> dict[str, list[str]]:
    """Return the values of each directive of a unit."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        name, is_directive, value = line.partition("=")
        if is_directive and not line.startswith("#"):
            found[name].append(value)
    return found


def _unit(name: str) -> dict[str, list[str]]:
    return _directives(ROOT / "deploy" / "systemd" / name)


def _environment(name: str) -> dict[str, str]:
    """Return the environment of a unit without that of its file. The instance is 1."""
    pairs = (word.partition("=") for word in " ".join(_unit(name)["Environment"]).split())
    return {variable: value.replace("%i", "1") for variable, _, value in pairs}


def _words(program: str) -> list[list[str]]:
    """Return the words after the program's name of each command on the page that contains it."""
    shown = [(words, position) for words in commands(PAGE) for position, word in enumerate(words) if Path(word).name == program]
    return [words[position + 1 :] for words, position in shown]


def _parse(arguments: list[str]) -> None:
    """Raise unless it is one of our commands, with valid options."""
    group: Any = typer.main.get_command(app)
    name, *options = arguments
    group.commands[name].make_context(name, options)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder that the page fills with secrets."""
    [block] = [block for block in blocks(PAGE, "sh") if "umask 077" in block]
    folder = tmp_path / "secrets"
    subprocess.run(["sh", "-ec", block.replace(SECRETS, str(folder))], check=True, timeout=CEILING)  # noqa: S607 (the system's shell)
    return folder


def _variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_every_unit_of_ours_runs_one_of_our_commands() -> None:
    ours = {path.name: _directives(path)["ExecStart"] for path in UNITS if path.name.startswith("flaghoist")}

    assert set(ours) == {"flaghoist-api.service", "flaghoist-worker@.service"}
    for [line] in ours.values():
        program, *arguments = line.split()
        assert program == "/opt/flaghoist/current/bin/flaghoist"
        _parse(arguments)


def test_every_command_of_ours_on_the_page_exists() -> None:
    run_here = [words for words in _words("flaghoist") if words and words[0] in ("bootstrap", "migrate", "replay")]

    assert [words[0] for words in run_here] == ["bootstrap", "migrate", "replay"]
    for words in run_here:
        _parse(words)


def test_secrets_are_readable_by_their_user_alone_and_differ(secrets: Path) -> None:
    files = {path.name: path for path in secrets.iterdir()}
    passwords = [
        make_url(_variables(files["flaghoist.env"])["FLAGHOIST_DATABASE_URL"]).password,
        *_variables(files["bootstrap.env"]).values(),
    ]

    assert set(files) == {"flaghoist.env", "temporal.env", "bootstrap.env"}
    assert {oct(path.stat().st_mode & 0o777) for path in (secrets, *files.values())} == {"0o700", "0o600"}
    assert len({*passwords, *_variables(files["temporal.env"]).values()}) == 3


def test_processes_accept_the_settings_of_the_page_and_the_units(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"FLAGHOIST_{name.upper()}" for name in Settings.model_fields} | {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
    for name in ("flaghoist-api.service", "flaghoist-worker@.service"):
        given = _variables(secrets / "flaghoist.env") | _variables(secrets / "bootstrap.env") | _environment(name)
        with monkeypatch.context() as patched:
            for variable, value in given.items():
                patched.setenv(variable, value)
            settings = Settings()

        assert set(given) <= known
        assert make_url(settings.database).drivername == "postgresql+psycopg"
        assert len(settings.bootstrap_key.get_secret_value()) >= 20


def test_units_contain_no_secrets_and_read_them_from_the_files_of_the_page(secrets: Path) -> None:
    read = {path.name: [Path(file).name for file in _directives(path)["EnvironmentFile"]] for path in UNITS}

    assert read == {
        "flaghoist-api.service": ["flaghoist.env"],
        "flaghoist-worker@.service": ["flaghoist.env"],
        "temporal-ui.service": [],
        "temporal.service": ["temporal.env"],
    }
    for path in UNITS:
        assert not re.search("PASSWORD|PWD|KEY|SECRET|DATABASE_URL", " ".join(_environment(path.name)))


def test_temporal_has_the_settings_of_the_compose_file(secrets: Path) -> None:
    filling = _variables(secrets / "temporal.env")["SQL_PASSWORD"]
    compose = environment_of("temporal", filling) | environment_of("temporal-schemas", filling)
    here = {
        "POSTGRES_SEEDS": "127.0.0.1",
        "SQL_HOST": "127.0.0.1",
        "BIND_ON_IP": "127.0.0.1",
        "DYNAMIC_CONFIG_FILE_PATH": "/opt/temporal/current/temporal.yaml",
        "TEMPORAL_SCHEMAS": "/opt/temporal/current/schema",
    }
    given = _environment("temporal.service") | _variables(secrets / "temporal.env")
    path = given.pop("PATH")

    assert given == compose | here
    assert path.split(":")[0] == "/opt/temporal/current/bin"


def test_page_builds_the_programs_that_the_units_start() -> None:
    ui = services()["temporal-ui"]["image"].rpartition(":")[2]
    built = [words[1] for words in _words("go") if words[0] == "install"]
    renamed = {Path(words[1]).name for words in commands(PAGE) if words[0] == "mv" and "$GOBIN" in words[1]}
    names = {Path(words[2]).name for words in commands(PAGE) if words[0] == "mv" and "$GOBIN" in words[1]}
    started = {Path(_unit(name)["ExecStart"][0].split()[0]).name for name in ("temporal.service", "temporal-ui.service")}

    expected = {f"{MODULE}/{source}@v{server_version()}" for source in PROGRAMS.values()}
    assert set(built) == expected | {f"github.com/temporalio/ui-server/v2/cmd/server@v{ui}"}
    assert renamed == {Path(path.partition("@")[0]).name for path in built}
    assert names == started | set(PROGRAMS)


def test_page_installs_the_versions_that_the_tests_use() -> None:
    embedded = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["embedded"]
    installed = {word for words in _words("pip") for word in words if "==" in word}

    assert installed == {*embedded, *re.findall(r"uv==[\d.]+", (ROOT / "Makefile").read_text())}


def test_page_names_files_that_exist() -> None:
    named = {word for words in commands(PAGE) for word in words if word.startswith("deploy/")}

    assert len(named) > 5
    assert [pattern for pattern in named if not list(ROOT.glob(pattern))] == []


def test_units_run_as_users_of_the_page_and_are_equally_confined() -> None:
    created = {words[-1] for words in commands(PAGE) if words[0] == "useradd"}
    confined = [path.read_text().partition("# Nothing may be written")[2] for path in UNITS]

    assert {_directives(path)["User"][0] for path in UNITS} == created
    assert len(set(confined)) == 1
    assert "ProtectSystem=strict" in confined[0]


def test_a_worker_has_time_to_finish_a_change_and_its_children_too() -> None:
    worker = _unit("flaghoist-worker@.service")

    assert timedelta(seconds=int(worker["TimeoutStopSec"][0])) >= GRACE + timedelta(seconds=10)
    assert worker["KillMode"] == ["mixed"]


def test_nothing_but_the_proxy_listens_to_the_outside(secrets: Path) -> None:
    settings = yaml.safe_load((ROOT / "deploy" / "temporal-ui.yaml").read_text())
    worker = _environment("flaghoist-worker@.service")
    ours = _variables(secrets / "flaghoist.env")

    assert _environment("flaghoist-api.service")["FLAGHOIST_HOST"] == settings["host"] == "127.0.0.1"
    assert all(worker[name].startswith("127.0.0.1:") for name in ("FLAGHOIST_WORKER_METRICS", "FLAGHOIST_WORKER_HEALTH"))
    assert ours["FLAGHOIST_TEMPORAL_UI_URL"] == f"http://{settings['host']}:{settings['port']}"
    assert (settings["temporalGrpcAddress"], settings["defaultNamespace"]) == (ours["TEMPORAL_ADDRESS"], ours["TEMPORAL_NAMESPACE"])
    assert settings["disableWriteActions"] is True


def test_proxy_hides_metrics_and_uses_the_files_and_the_port_of_the_page() -> None:
    proxy = (ROOT / "deploy" / "nginx" / "flaghoist.conf").read_text()
    [made] = [words for words in commands(PAGE) if words[:2] == ["openssl", "req"]]

    assert re.search(r"location = /metrics \{\s+return 404;", proxy)
    assert set(re.findall(r"proxy_pass (\S+);", proxy)) == {f"http://127.0.0.1:{_environment('flaghoist-api.service')['FLAGHOIST_PORT']}"}
    assert re.findall(r"ssl_certificate(?:_key)? (\S+);", proxy) == [made[made.index("-out") + 1], made[made.index("-keyout") + 1]]
