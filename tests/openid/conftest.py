"""An API that trusts an OpenID provider."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from activities.store.database import Database
from domain.access import Grant, Role
from tests.conftest import serve_without_temporal
from tests.dashboard.visitor import Visitor
from tests.emptied import empty_database
from tests.http import Api
from tests.openid.provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, RunningProvider, log_in, running_provider
from tests.ports import free_port

GRANTS = {
    "developers": (Grant(project="shop", role=Role.OPERATOR, environments=("development", "staging")),),
    "release-managers": (Grant(project="shop", role=Role.ADMIN),),
    "visitors": (),
}

PEOPLE = {
    "dana": {"email": "dana@example.com", "email_verified": True, "groups": ["developers"]},
    "mona": {"email": "mona@example.com", "email_verified": True, "groups": ["staff", "release-managers"]},
    "vito": {"email": "vito@example.com", "email_verified": True, "groups": ["staff", "visitors"]},
}
"""Login -> claims of a developer, a release manager, and a person without rights."""


class SignedIn(NamedTuple):
    """A visitor who came back from the provider, and the page that they got."""

    visitor: Visitor
    page: httpx.Response

    @property
    def has_session(self) -> bool:
        """True if the visitor is signed in."""
        return self.visitor.look("/status").url.path == "/status"


SignIn = Callable[..., SignedIn]
Visit = Callable[[], Visitor]


@pytest.fixture(scope="package")
def port() -> int:
    return free_port()


@pytest.fixture(scope="package")
def provider(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    """The provider, for all tests."""
    with running_provider(tmp_path_factory.mktemp("openid"), f"http://127.0.0.1:{port}{CALLBACK}") as running:
        yield running


@pytest.fixture(scope="package")
def openid_database(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database for all tests, which empty it."""
    path = tmp_path_factory.mktemp("openid-api") / "flaghoist.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="package")
def shared_openid_api(provider: RunningProvider, port: int, openid_database: str) -> Iterator[Api]:
    """The API on that database, without Temporal."""
    yield from serve_without_temporal(openid_database, port=port, **openid_settings(provider.issuer, port))


@pytest.fixture
def api(shared_openid_api: Api, openid_database: str, provider: RunningProvider) -> Iterator[Api]:
    """The API with one project, and three people at the provider."""
    shared_openid_api.make_project()
    provider.have(**PEOPLE)
    yield shared_openid_api
    empty_database(openid_database)


@pytest.fixture
def stored(api: Api, openid_database: str) -> Iterator[Database]:
    """The database of the API."""
    with closing(Database(openid_database)) as database:
        yield database


@pytest.fixture
def visit(api: Api) -> Iterator[Visit]:
    """Makes visitors who have not signed in."""
    with ExitStack() as visitors:
        yield lambda: visitors.enter_context(closing(Visitor(api.address)))


@pytest.fixture
def sign_in(visit: Visit) -> SignIn:
    """Signs visitors in at the provider, and returns them and the answer that they got."""

    def begin(login: str, *, query: str = "", visitor: Visitor | None = None, meanwhile: Callable[[], object] = object) -> SignedIn:
        visitor = visitor or visit()
        start = visitor.client.get(f"/sign-in/openid{query}", follow_redirects=False)
        assert start.status_code == 303
        meanwhile()
        return SignedIn(visitor, visitor.client.get(log_in(visitor.client, start, login)))

    return begin


def openid_settings(issuer: str, port: int) -> dict[str, Any]:
    """Return the settings of an API on that port that trusts the issuer."""
    openid = {"issuer": issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scopes": "openid email groups", "grants": GRANTS}
    return {f"oidc_{name}": value for name, value in openid.items()} | {"public_url": f"http://127.0.0.1:{port}"}
