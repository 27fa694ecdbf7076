"""The key with which the embedded stack encrypts credentials."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from activities.providers.sealing import Sealer
from api.cli.app import app
from api.embedded.processes import environment_of
from api.embedded.state_dir import StateDir
from settings import Settings


def test_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    made = StateDir(tmp_path).ensure_secret_key()

    assert StateDir(tmp_path).ensure_secret_key() == made
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    Sealer([made])


def test_command_prints_another_usable_key_each_time() -> None:
    first, second = (CliRunner().invoke(app, ["secret-key"]).stdout.strip() for _ in range(2))

    Sealer([first, second])
    assert first != second


def test_programs_get_the_key_and_may_connect_systems_on_this_machine() -> None:
    environment = environment_of(Settings(), "fh_key", "made")

    chosen = {name: environment[name] for name in ("FLAGHOIST_SECRET_KEYS", "FLAGHOIST_PROVIDERS_ALLOW_PRIVATE")}
    assert chosen == {"FLAGHOIST_SECRET_KEYS": "made", "FLAGHOIST_PROVIDERS_ALLOW_PRIVATE": "true"}


def test_metrics_may_read_files_in_a_folder_apart_from_the_databases() -> None:
    environment = environment_of(Settings(), "fh_key", "made")

    assert environment["FLAGHOIST_METRICS_ALLOW_PRIVATE"] == "true"
    assert environment["FLAGHOIST_METRICS_FOLDER"] == str(Settings().home.absolute() / "metrics")


def test_settings_come_before_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    given = "b3RoZXItc2VjcmV0LWtleS1vZi10aGUtdGVzdHMtMzI="
    monkeypatch.setenv("FLAGHOIST_SECRET_KEYS", given)
    monkeypatch.setenv("FLAGHOIST_PROVIDERS_ALLOW_PRIVATE", "false")

    environment = environment_of(Settings(), "fh_key", "made")

    assert environment["FLAGHOIST_SECRET_KEYS"] == given
    assert environment["FLAGHOIST_PROVIDERS_ALLOW_PRIVATE"] == "false"
