"""The commands for API keys."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api


def test_a_key_is_created_with_its_grants_and_shown_once(terminal: Terminal, api: Api) -> None:
    grants = ("--grant", "shop:operator:staging,production", "--grant", "shop:viewer")

    terminal.run("keys", "create", "laptop", "--owner", "erin", *grants)

    secret = terminal.out.splitlines()[-1]
    erin = Terminal(api.address, secret)
    assert erin.run("features", "set", "checkout", "-e", "staging", "--enabled").code == 0
    assert erin.run("features", "set", "checkout", "-e", "development", "--enabled").code == 1
    assert secret not in terminal.run("keys", "list").out
    assert "shop:operator:staging,production; shop:viewer" in terminal.out
    assert "erin (person)" in terminal.out


def test_a_services_key_can_have_the_role_owner(terminal: Terminal, api: Api) -> None:
    created = terminal.read_json("keys", "create", "ci", "--owner", "builds", "--kind", "service", "--instance-owner")

    assert created["owner"] == {"kind": "service", "name": "builds"}
    assert Terminal(api.address, created["secret"]).run("projects", "create", "blog").code == 0
    assert "owner of the instance" in terminal.run("keys", "list").out


@pytest.mark.parametrize("grant", ["shop", "shop:king", "shop:owner", ":viewer", "shop:operator", "shop:viewer:staging", "a:admin:b:c", ""])
def test_an_invalid_grant_is_a_usage_error(terminal: Terminal, grant: str) -> None:
    before = terminal.read_json("keys", "list")

    assert terminal.run("keys", "create", "laptop", "--owner", "erin", "--grant", grant).code == 2

    assert "PROJECT:operator:ENVIRONMENT" in terminal.err
    assert terminal.read_json("keys", "list") == before


def test_a_key_without_grants_is_a_usage_error(terminal: Terminal) -> None:
    assert terminal.run("keys", "create", "laptop", "--owner", "erin").code == 2


def test_a_grant_on_an_unknown_environment_is_refused_with_a_pointer(terminal: Terminal) -> None:
    assert terminal.run("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:operator:moon").code == 1

    assert "/grants/0/environments/0" in terminal.err


def test_revoking_shows_the_key_and_asks(terminal: Terminal, api: Api) -> None:
    created = terminal.read_json("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:viewer")

    assert terminal.run("keys", "revoke", created["id"], answers="y\n").code == 0

    assert "'laptop' of erin (person)" in terminal.err
    assert Terminal(api.address, created["secret"]).run("features", "list").code == 1
    assert next(each for each in terminal.read_json("keys", "list") if each["id"] == created["id"])["revoked_at"]


def test_rotating_shows_the_key_and_prints_the_new_secret_once(terminal: Terminal, api: Api) -> None:
    created = terminal.read_json("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:viewer")

    assert terminal.run("keys", "rotate", created["id"], answers="y\n").code == 0

    secret = terminal.out.splitlines()[-1]
    assert "'laptop' of erin (person)" in terminal.err
    assert Terminal(api.address, secret).run("features", "list").code == 0
    assert Terminal(api.address, created["secret"]).run("features", "list").code == 1


def test_a_viewer_can_see_and_rotate_its_own_key(terminal: Terminal, api: Api) -> None:
    created = terminal.read_json("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:viewer")
    erin = Terminal(api.address, created["secret"])

    assert erin.run("whoami").out == f"erin (person), with key 'laptop' ({created['id']}). Its grants:\n  shop:viewer\n"
    assert erin.run("keys", "rotate", created["id"], answers="y\n").code == 0

    assert "'laptop' of erin (person)" in erin.err
