"""Visitors of the dashboard, on an API without Temporal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.dashboard.visitor import Visitor
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


def key_of(api: Api) -> str:
    """Return the secret of a key made by `Api.make_key`."""
    return str(api.client.headers["Authorization"]).removeprefix("Bearer ")
