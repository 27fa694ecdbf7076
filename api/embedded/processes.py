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


