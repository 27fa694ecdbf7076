"""A real Flagsmith from a checkout of its repository: `python -m tests.flagsmith.server CHECKOUT COMMAND…` runs a command beside it.

The command finds it by `FLAGSMITH_ADDRESS` and `FLAGSMITH_API_KEY`. No package has Flagsmith's server.
"""

import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx
import psycopg

from tests.ports import free_port
from tests.postgresql import PostgresqlServer
from tests.waiting import wait_for

BUILDS = Path(sys.prefix) / "flagsmith"
FROM_GIT = "django-clickhouse-backend"
"""A dependency that Flagsmith takes from Git, at a commit that PyPI does not have. The newest 1.x from PyPI does for these tests."""

SETTINGS = """
from app.settings.production import *
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # The usual one takes half a second for the key of each call.
"""
ORGANISATION = """
import django
django.setup()
from api_keys.models import MasterAPIKey
from organisations.models import Organisation
organisation = Organisation.objects.create(name="Tests")
print(MasterAPIKey.objects.create_key(name="tests", organisation=organisation, is_admin=True)[1])
"""


def installed(api: Path) -> Path:
    """Return a Python that has the dependencies that Flagsmith's lock file names."""
    python = BUILDS / "bin" / "python"
    if not (BUILDS / ".ready").exists():
        venv.create(BUILDS, clear=True, with_pip=True)
        uv = Path(sys.prefix) / "bin" / "uv"
        without = ("--no-dev", "--no-hashes", "--no-emit-project", "--no-header", "--no-annotate")
        export: list[str | Path] = [uv, "export", "--frozen", *without]
        locked = subprocess.run(export, cwd=api, check=True, capture_output=True, text=True).stdout
        wanted = [line for line in locked.splitlines() if line and not line.startswith(FROM_GIT)]
        (BUILDS / "requirements.txt").write_text("\n".join([*wanted, f"{FROM_GIT}<2"]))
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", BUILDS / "requirements.txt"], check=True)
        (BUILDS / ".ready").touch()
    return python


@contextmanager
def running_flagsmith(checkout: Path) -> Iterator[tuple[str, str]]:
    """Run Flagsmith with a new database, and yield its address and a key of its only organisation."""
    api = checkout / "api"
    python = installed(api)
    database = PostgresqlServer("jit=off", "fsync=off", "synchronous_commit=off")
    database.start()
    port = free_port()
    try:
        with TemporaryDirectory() as folder, psycopg.connect(database.address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE flagsmith")
            Path(folder, "settings_of_tests.py").write_text(SETTINGS)
            environment = {
                **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                "PYTHONPATH": f"{folder}:{api}",
                "DJANGO_SETTINGS_MODULE": "settings_of_tests",
                "DJANGO_SECRET_KEY": "only-for-tests",
                "DJANGO_ALLOWED_HOSTS": "*",
                "DATABASE_URL": f"postgres://postgres@{quote(str(database.folder), safe='')}/flagsmith",
                "TASK_RUN_METHOD": "SYNCHRONOUSLY",
                "ENABLE_TELEMETRY": "False",
                "ENABLE_API_USAGE_TRACKING": "False",
                # Otherwise a document that is read while a version is published can lack overrides: docs/guide/flagsmith.md.
                "CACHE_ENVIRONMENT_DOCUMENT_MODE": "PERSISTENT",
                "CACHE_ENVIRONMENT_DOCUMENT_BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            }
            run = {"cwd": api, "env": environment, "stdin": subprocess.DEVNULL}
            subprocess.run([python, "manage.py", "migrate", "--verbosity", "0"], check=True, **run)  # type: ignore[call-overload]
            made = subprocess.run([python, "-c", ORGANISATION], check=True, capture_output=True, text=True, **run)  # type: ignore[call-overload]
            command = [python, "-m", "gunicorn", "app.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4", "--log-level", "warning"]
            server = subprocess.Popen(command, start_new_session=True, **run)  # type: ignore[call-overload]
            try:
                address = f"http://127.0.0.1:{port}"
                wait_for("Flagsmith to be healthy", lambda: _is_healthy(address))
                yield address, made.stdout.split()[-1]
            finally:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait()
    finally:
        database.stop()
        database.remove()


def _is_healthy(address: str) -> bool:
    with suppress(httpx.HTTPError, json.JSONDecodeError):
        return bool(httpx.get(f"{address}/health/liveness/", timeout=10).json() == {"status": "ok"})
    return False


if __name__ == "__main__":
    with running_flagsmith(Path(sys.argv[1]).resolve()) as (found_address, found_key):
        variables = os.environ | {"FLAGSMITH_ADDRESS": found_address, "FLAGSMITH_API_KEY": found_key}
        ended = subprocess.run(sys.argv[2:], env=variables, check=False)
    sys.exit(ended.returncode)
