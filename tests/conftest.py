"""Fixtures for all tests."""

import gc
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import uvicorn
from sqlalchemy import text

from activities.store.database import Database
from activities.store.migrate import migrate
from api.app import create_app
from process_exit import exit_process
from settings import Settings
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.postgresql import PostgresqlServer
from tests.unleash.server import UnleashServer, running_unleash
from tests.waiting import CEILING
from tests.world import World, make_world

# Without a deadline, because a busy machine is no defect. CI runs the same examples each time. Every other run tries new ones.
hypothesis.settings.register_profile("flaghoist", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("flaghoist")


SECRET_KEY = "c2VjcmV0LWtleS1vZi10aGUtdGVzdHMtMzItYnl0ZXM="  # noqa: S105 (of databases that only these tests use)
"""The key with which the API of the tests encrypts credentials."""


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL server, with a placeholder for the name of a database."""
    # Its data need not outlive the machine, so nothing waits for the disk.
    server = PostgresqlServer("fsync=off", "synchronous_commit=off", "full_page_writes=off")
    server.start()
    yield server.url_of("{database}")
    server.stop()
    server.remove()


@pytest.fixture(scope="session")
def unleash(postgresql_server: str) -> Iterator[UnleashServer]:
    """A real Unleash. It takes seconds to start, so tests that use it belong to the xdist_group "unleash"."""
    with running_unleash(postgresql_server) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> str:
    """The name of a migrated PostgreSQL database to copy."""
    _run_on_server(postgresql_server, "CREATE DATABASE template_migrated")
    database = Database(postgresql_server.format(database="template_migrated"))
    migrate(database)
    database.close()
    return "template_migrated"


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database."""
    path = tmp_path / "flaghoist.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: str, migrated_postgresql: str) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    name = f"test_{os.urandom(6).hex()}"
    _run_on_server(postgresql_server, f"CREATE DATABASE {name} TEMPLATE {migrated_postgresql}")
    yield postgresql_server.format(database=name)
    _run_on_server(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


def _run_on_server(server: str, statement: str) -> None:
    database = Database(server.format(database="postgres"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database, on each of the two systems."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, on each of the two systems."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    """A fresh SQLite database, for tests in which the system makes no difference."""
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def world(database: Database) -> World:
    """A project with environments, segments, a feature and an owner, on each of the two systems."""
    return make_world(database)


@pytest.fixture
def api(sqlite_url: str) -> Iterator[Api]:
    """The real API over real HTTP, on SQLite, while Temporal is down."""
    yield from serve_without_temporal(sqlite_url)


@pytest.fixture
def api_on_both(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The real API over real HTTP, on each of the two systems, while Temporal is down."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    yield from serve(database_url)


def serve(database_url: str, *, wait: bool = True, port: int = 0, **settings: Any) -> Iterator[Api]:
    """Run the API in a thread, and by default wait until it is ready."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    port = listener.getsockname()[1]
    chosen: dict[str, Any] = {"secret_keys": SECRET_KEY, "providers_allow_private": True, "metrics_allow_private": True} | settings
    app = create_app(Settings(database_url=database_url, port=port, bootstrap_key=OWNER_KEY, log_level="error", **chosen))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=[[listener]])
    thread.start()
    api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
    try:
        if wait:
            api.wait_until_ready()
        yield api
    finally:
        api.close()
        server.should_exit = True
        thread.join(CEILING)
    assert not thread.is_alive(), "the API did not stop"


def serve_without_temporal(database_url: str, **settings: Any) -> Iterator[Api]:
    """Do the same, with a Temporal address at which nothing listens."""
    serving = serve(database_url, **settings)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
        api = next(serving)
    yield api
    next(serving, None)


@pytest.fixture(scope="session")
def shared_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite database for many tests, which empty it. Starting an API takes longer than most tests."""
    path = tmp_path_factory.mktemp("shared") / "flaghoist.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def shared_api_on_sqlite(shared_sqlite: str) -> Iterator[Api]:
    """The API on that database, without Temporal. Metrics may read the empty SQLite file `shop.db`."""
    folder = Path(shared_sqlite.removeprefix("sqlite:///")).parent / "metrics"
    folder.mkdir()
    (folder / "shop.db").touch()
    yield from serve_without_temporal(shared_sqlite, metrics_folder=folder)


def pytest_collection_finish() -> None:
    """Set aside what stays until the end. In a run of four files, looking at it again took 19 of 129 seconds of processor time."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_EXIT] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without the interpreter's exit, in which a process that used a Temporal client can abort (temporalio/sdk-python#300)."""
    if not hasattr(config, "workerinput") and _EXIT in config.stash:
        exit_process(config.stash[_EXIT])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Fail the run if a test was skipped, because it proves nothing then."""
    if terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("skipped tests fail the run", red=True)
        config.stash[_EXIT] = 1


_EXIT = pytest.StashKey[int]()
