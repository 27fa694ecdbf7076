"""A real Unleash that is paused, killed and restarted."""

import psutil
import pytest

from activities.providers.errors import ProviderUnavailable
from activities.providers.unleash.admin_api import UnleashAdminApi
from tests.unleash.conftest import Connect
from tests.unleash.features import DEV, in_development
from tests.unleash.server import PROJECT, UnleashServer, running_unleash

pytestmark = pytest.mark.xdist_group("unleash")


def test_paused_server_is_unavailable_until_it_is_resumed(unleash: UnleashServer, connect: Connect, admin: UnleashAdminApi) -> None:
    with unleash.paused(), pytest.raises(ProviderUnavailable, match=r"No complete answer came within 0\.9 s"):
        connect(unleash.address, unleash.admin_token, attempt_seconds=1).caller()

    assert admin.caller().username == "admin"


def test_killed_server_is_unavailable_and_keeps_its_features(unleash: UnleashServer, admin: UnleashAdminApi, feature: str) -> None:
    admin.switch(PROJECT, feature, DEV, "on")
    unleash.kill()
    try:
        with pytest.raises(ProviderUnavailable, match="The connection failed"):
            admin.caller()
    finally:
        unleash.restart()

    assert in_development(admin, feature).enabled


def test_server_ends_with_a_test_that_fails(postgresql_server: str) -> None:
    before = {each.pid for each in psutil.Process().children(recursive=True)}

    def fail() -> None:
        with running_unleash(postgresql_server) as server:
            assert {each.pid for each in psutil.Process().children(recursive=True)} - before
            server.pause()
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert not {each.pid for each in psutil.Process().children()} - before
