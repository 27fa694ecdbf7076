"""Fixtures for tests of metrics and their sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.store.database import Database
from tests.metrics.postgresql_source import PostgresqlSource, serving_postgresql
from tests.metrics.prometheus_server import PrometheusServer, running_prometheus
from tests.metrics.shop import Watched, watched
from tests.world import make_world


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A real Prometheus. Tests that use it belong to the xdist_group "prometheus"."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="session")
def team_database() -> Iterator[PostgresqlSource]:
    """A real PostgreSQL of a team, over TCP. Tests that use it belong to the xdist_group "prometheus" too."""
    with serving_postgresql() as server:
        yield server


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder that has SQLite files."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def shop(sqlite: Database, files: Path) -> Watched:
    """A project and a reader."""
    return watched(make_world(sqlite), files)
