"""One API server per database for all tests of this directory. Starting one takes longer than most tests, so it is emptied after each."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from activities.store.database import Database
from tests.conftest import serve
from tests.emptied import empty
from tests.http import Api
from tests.ports import free_port


@pytest.fixture(scope="session")
def sqlite_of_the_room(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("api") / "flaghoist.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql_of_the_room(postgresql_server: str, migrated_postgresql: str) -> str:
    server = Database(postgresql_server.format(database="postgres"))
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE api_tests TEMPLATE {migrated_postgresql}"))
    server.close()
    return postgresql_server.format(database="api_tests")


@pytest.fixture(scope="session")
def api_on_sqlite_of_the_room(sqlite_of_the_room: str) -> Iterator[Api]:
    yield from _serve_without_temporal(sqlite_of_the_room)


@pytest.fixture(scope="session")
def api_on_postgresql_of_the_room(postgresql_of_the_room: str) -> Iterator[Api]:
    yield from _serve_without_temporal(postgresql_of_the_room)


@pytest.fixture
def api(api_on_sqlite_of_the_room: Api, sqlite_of_the_room: str) -> Iterator[Api]:
    """The real API over HTTP, on SQLite, without Temporal."""
    yield api_on_sqlite_of_the_room
    _empty(sqlite_of_the_room)


@pytest.fixture(params=["sqlite", "postgresql"])
def url_on_both(request: pytest.FixtureRequest) -> str:
    """The URL of the database of `api_on_both`."""
    return str(request.getfixturevalue(f"{request.param}_of_the_room"))


@pytest.fixture
def api_on_both(url_on_both: str, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The real API over HTTP, on SQLite and on PostgreSQL, without Temporal."""
    kind = "sqlite" if url_on_both.startswith("sqlite") else "postgresql"
    api: Api = request.getfixturevalue(f"api_on_{kind}_of_the_room")
    yield api
    _empty(url_on_both)


def _serve_without_temporal(database_url: str) -> Iterator[Api]:
    serving = serve(database_url)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
        api = next(serving)
    yield api
    next(serving, None)


def _empty(database_url: str) -> None:
    database = Database(database_url)
    empty(database)
    database.close()
