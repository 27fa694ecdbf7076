"""Fixtures for tests of Unleash."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.store.database import Database
from domain.releases.release import Release
from tests.emptied import empty_database
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.unleash.allocations import VARIANTS
from tests.unleash.features import new_feature
from tests.unleash.server import PROJECT, UnleashServer
from tests.unleash.shop import Shop
from tests.waiting import CEILING

Connect = Callable[..., UnleashAdminApi]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function that returns a client for an address and a token."""
    with ExitStack() as stack:

        def connect(address: str, token: str, attempt_seconds: float = CEILING) -> UnleashAdminApi:
            client = UnleashAdminApi(address, SecretStr(token), attempt_seconds=attempt_seconds, resolver=Resolver(allow_private=True))
            return stack.enter_context(closing(client))

        yield connect


@pytest.fixture
def admin(unleash: UnleashServer, connect: Connect) -> UnleashAdminApi:
    """A client with the token of an administrator."""
    return connect(unleash.address, unleash.admin_token)


@pytest.fixture
def feature(admin: UnleashAdminApi) -> str:
    """A new feature, off and without strategies."""
    return new_feature(admin)


@pytest.fixture
def archived(unleash: UnleashServer, admin: UnleashAdminApi) -> str:
    """A new feature that was archived."""
    name = new_feature(admin)
    unleash.call("DELETE", f"/api/admin/projects/{PROJECT}/features/{name}")
    return name


@pytest.fixture
def shop(database: Database, unleash: UnleashServer) -> Iterator[Shop]:
    """A shop with its flags in Unleash."""
    shop = Shop(database, unleash)
    yield shop
    shop.close()


@pytest.fixture
def split(shop: Shop) -> Shop:
    """The shop, with variants of its feature."""
    shop.define_variants(*VARIANTS)
    return shop


@pytest.fixture
def release(shop: Shop) -> Release:
    """A release that is due in development."""
    shop.world.publish(pipeline(stage("Development"), stage("Production", "production", "24h")))
    return shop.add()


@pytest.fixture
def api(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[Api]:
    """The real API, without Temporal."""
    yield shared_api_on_sqlite
    empty_database(shared_sqlite)
