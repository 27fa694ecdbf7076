"""The API of these tests: one server per database for all of them, emptied after each."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from activities.store.database import Database
from tests.conftest import serve_without_temporal
from tests.emptied import empty_database
from tests.http import Api


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_server: str, migrated_postgresql: str) -> str:
    server = Database(postgresql_server.format(database="postgres"))
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE api_tests TEMPLATE {migrated_postgresql}"))
    server.close()
    return postgresql_server.format(database="api_tests")


@pytest.fixture(scope="session")
def shared_api_on_postgresql(shared_postgresql: str) -> Iterator[Api]:
    yield from serve_without_temporal(shared_postgresql)


@pytest.fixture
def api(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[Api]:
    """The real API over HTTP, on SQLite, without Temporal."""
    yield shared_api_on_sqlite
    empty_database(shared_sqlite)


@pytest.fixture(params=["sqlite", "postgresql"])
def url_on_both(request: pytest.FixtureRequest) -> str:
    """The URL of the database of `api_on_both`."""
    return str(request.getfixturevalue(f"shared_{request.param}"))


@pytest.fixture
def api_on_both(url_on_both: str, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The real API over HTTP, on SQLite and on PostgreSQL, without Temporal."""
    kind = "sqlite" if url_on_both.startswith("sqlite") else "postgresql"
    api: Api = request.getfixturevalue(f"shared_api_on_{kind}")
    yield api
    empty_database(url_on_both)
