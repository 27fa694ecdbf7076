"""Tokens of every kind, at a real Unleash."""

import pytest

from activities.providers.errors import ProviderUnauthorized
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.documents import NewSegment
from tests.unleash.conftest import Connect
from tests.unleash.features import DEV, HALF
from tests.unleash.people import personal_token
from tests.unleash.server import PROJECT, UnleashServer

pytestmark = pytest.mark.xdist_group("unleash")

NEEDED = ("UPDATE_FEATURE_ENVIRONMENT", "CREATE_FEATURE_STRATEGY", "UPDATE_FEATURE_STRATEGY", "DELETE_FEATURE_STRATEGY")


def test_admin_token_may_do_everything(admin: UnleashAdminApi) -> None:
    caller = admin.caller()

    assert caller.username == "admin"
    assert caller.may("UPDATE_FEATURE_ENVIRONMENT", "any", "where")


def test_caller_does_not_keep_the_token_that_the_server_returns(unleash: UnleashServer, admin: UnleashAdminApi) -> None:
    assert unleash.call("GET", "/api/admin/user")["user"]["secret"] == unleash.admin_token

    assert unleash.admin_token not in repr(admin.caller())


def test_permissions_of_an_editor_are_those_that_a_release_needs(unleash: UnleashServer, connect: Connect, feature: str) -> None:
    editor = connect(unleash.address, personal_token(unleash, "Editor"))

    caller = editor.caller()

    assert [name for name in NEEDED if not caller.may(name, PROJECT, DEV)] == []
    assert not caller.may("DELETE_PROJECT", "another", DEV)
    editor.delete_strategy(PROJECT, feature, DEV, editor.add_strategy(PROJECT, feature, DEV, HALF).id)
    editor.switch(PROJECT, feature, DEV, "on")


def test_viewer_may_read_and_is_told_the_missing_permission_at_a_change(unleash: UnleashServer, connect: Connect, feature: str) -> None:
    viewer = connect(unleash.address, personal_token(unleash, "Viewer"))

    assert not any(viewer.caller().may(name, PROJECT, DEV) for name in NEEDED)
    assert viewer.feature(PROJECT, feature).name == feature
    with pytest.raises(ProviderUnauthorized, match='"UPDATE_FEATURE_ENVIRONMENT" permission') as missing:
        viewer.switch(PROJECT, feature, DEV, "on")
    assert missing.value.missing == ("UPDATE_FEATURE_ENVIRONMENT",)
    with pytest.raises(ProviderUnauthorized) as missing:
        viewer.create_segment(NewSegment(name="new", constraints=[]))
    assert missing.value.missing == ("CREATE_SEGMENT", "UPDATE_PROJECT_SEGMENT")


def test_unknown_token_is_unauthorized(unleash: UnleashServer, connect: Connect) -> None:
    with pytest.raises(ProviderUnauthorized, match="log in"):
        connect(unleash.address, "*:*.unknown").caller()


@pytest.mark.parametrize("kind", ["backend", "frontend"])
def test_token_of_an_application_is_unauthorized(unleash: UnleashServer, connect: Connect, kind: str) -> None:
    token = unleash.backend_tokens[DEV] if kind == "backend" else unleash.frontend_token

    with pytest.raises(ProviderUnauthorized, match="different token type"):
        connect(unleash.address, token).caller()
