"""Visitors of the dashboard, on an API without Temporal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from activities.store.database import Database
from activities.store.migrate import migrate
from tests.dashboard.browser import running_browser
from tests.dashboard.shop import Shop, fill
from tests.dashboard.visitor import Visitor
from tests.e2e.stack import running_stack
from tests.emptied import empty_database
from tests.http import OWNER_KEY, Api

SignIn = Callable[..., Visitor]


@pytest.fixture
def api(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[Api]:
    """The real API over HTTP, on SQLite, with one project."""
    shared_api_on_sqlite.make_project()
    yield shared_api_on_sqlite
    empty_database(shared_sqlite)


@pytest.fixture
def visitor(api: Api) -> Iterator[Visitor]:
    """A visitor who has not signed in."""
    with closing(Visitor(api.address)) as visitor:
        yield visitor


@pytest.fixture
def sign_in(api: Api) -> Iterator[SignIn]:
    """Signs visitors in, by default as the owner."""
    with ExitStack() as visitors:

        def begin(key: str = OWNER_KEY) -> Visitor:
            visitor = visitors.enter_context(closing(Visitor(api.address, key)))
            assert visitor.sign_in().status_code == 200
            return visitor

        yield begin


@pytest.fixture(scope="package")
def running_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the database of that stack."""
    return new_database(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="package")
def running(running_url: str) -> Iterator[Api]:
    """Temporal, a worker and the API, for all tests in a browser."""
    with running_stack(Path(running_url.removeprefix("sqlite:///")).parent, running_url) as stack:
        yield stack.api


@pytest.fixture(scope="package")
def shop(running: Api, running_url: str) -> Shop:
    """A project with a flag in every state."""
    return fill(running, running_url)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each has contexts of its own."""
    with running_browser() as browser:
        yield browser


def new_database(folder: Path) -> str:
    """Return the address of a migrated database in this folder."""
    url = f"sqlite:///{folder}/flaghoist.db"
    database = Database(url)
    migrate(database)
    database.close()
    return url


def key_of(api: Api) -> str:
    """Return the secret of a key made by `Api.make_key`."""
    return str(api.client.headers["Authorization"]).removeprefix("Bearer ")
