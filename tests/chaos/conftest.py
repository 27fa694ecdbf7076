"""One short run on each of the two databases."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.chaos.databases import BreakablePostgresql, SqliteFile
from tests.chaos.endurance import Outcome, Size, endure

ON_SQLITE = Size(seed=447, releases=16, seconds=8, patience=120, skew=False)
ON_POSTGRESQL = Size(seed=622, releases=16, seconds=8, patience=120, skew=False)
"""Seeds with few faults, which kill everything and cause every kind of fault. Only a run in which nothing moves uses up its patience."""


class Run(NamedTuple):
    """The outcome of a run, and its folder."""

    outcome: Outcome
    folder: Path


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on SQLite."""
    folder = tmp_path_factory.mktemp("chaos-sqlite")
    return Run(endure(folder, SqliteFile(folder), ON_SQLITE), folder)


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on PostgreSQL."""
    folder, server = tmp_path_factory.mktemp("chaos-postgresql"), BreakablePostgresql()
    outcome = endure(folder, server, ON_POSTGRESQL)
    server.remove()
    return Run(outcome, folder)
