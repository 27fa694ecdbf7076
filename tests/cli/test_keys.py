"""API keys, from a terminal."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api


def test_a_key_is_made_with_its_grants_and_shown_once(terminal: Terminal, api: Api) -> None:
    grants = ("--grant", "shop:operator:staging,production", "--grant", "shop:viewer")

    terminal.types("keys", "create", "laptop", "--owner", "erin", *grants)

    secret = terminal.out.splitlines()[-1]
    erin = Terminal(api.address, secret)
    assert erin.types("features", "set", "checkout", "-e", "staging", "--enabled").code == 0
    assert erin.types("features", "set", "checkout", "-e", "development", "--enabled").code == 1
    assert secret not in terminal.types("keys", "list").out
    assert "shop:operator:staging,production; shop:viewer" in terminal.out
    assert "erin (person)" in terminal.out


def test_a_key_of_a_service_may_own_the_instance(terminal: Terminal, api: Api) -> None:
    made = terminal.reads("keys", "create", "ci", "--owner", "builds", "--kind", "service", "--instance-owner")

    assert made["owner"] == {"kind": "service", "name": "builds"}
    assert Terminal(api.address, made["secret"]).types("projects", "create", "blog").code == 0
    assert "owner of the instance" in terminal.types("keys", "list").out


@pytest.mark.parametrize("grant", ["shop", "shop:king", "shop:owner", ":viewer", "shop:operator", "shop:viewer:staging", "a:admin:b:c", ""])
def test_a_grant_that_is_none_is_wrong_usage(terminal: Terminal, grant: str) -> None:
    before = terminal.reads("keys", "list")

    assert terminal.types("keys", "create", "laptop", "--owner", "erin", "--grant", grant).code == 2

    assert "PROJECT:operator:ENVIRONMENT" in terminal.err
    assert terminal.reads("keys", "list") == before


def test_a_key_that_may_do_nothing_is_wrong_usage(terminal: Terminal) -> None:
    assert terminal.types("keys", "create", "laptop", "--owner", "erin").code == 2


def test_a_key_for_a_place_that_is_not_there_is_refused_with_its_pointer(terminal: Terminal) -> None:
    assert terminal.types("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:operator:moon").code == 1

    assert "/grants/0/environments/0" in terminal.err


def test_a_key_is_revoked_after_it_was_named(terminal: Terminal, api: Api) -> None:
    made = terminal.reads("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:viewer")

    assert terminal.types("keys", "revoke", made["id"], answers="y\n").code == 0

    assert "'laptop' of erin (person)" in terminal.err
    assert Terminal(api.address, made["secret"]).types("features", "list").code == 1
    assert next(each for each in terminal.reads("keys", "list") if each["id"] == made["id"])["revoked_at"]


def test_a_key_is_rotated_after_it_was_named_and_its_new_secret_shown_once(terminal: Terminal, api: Api) -> None:
    made = terminal.reads("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:viewer")

    assert terminal.types("keys", "rotate", made["id"], answers="y\n").code == 0

    secret = terminal.out.splitlines()[-1]
    assert "'laptop' of erin (person)" in terminal.err
    assert Terminal(api.address, secret).types("features", "list").code == 0
    assert Terminal(api.address, made["secret"]).types("features", "list").code == 1


def test_a_viewer_learns_who_it_is_and_rotates_its_own_key(terminal: Terminal, api: Api) -> None:
    made = terminal.reads("keys", "create", "laptop", "--owner", "erin", "--grant", "shop:viewer")
    erin = Terminal(api.address, made["secret"])

    assert erin.types("whoami").out == f"erin (person), with key 'laptop' ({made['id']}), which may do this:\n  shop:viewer\n"
    assert erin.types("keys", "rotate", made["id"], answers="y\n").code == 0

    assert "'laptop' of erin (person)" in erin.err
