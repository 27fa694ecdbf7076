"""Connecting a project to a Git repository: over HTTP, in a terminal and in the dashboard."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.cli.conftest import Terminal
from tests.conftest import serve_without_temporal
from tests.dashboard.test_environments import hidden
from tests.dashboard.visitor import Visitor
from tests.flagd.git_server import ALLOWED, GitServer, git_server
from tests.flagd.repositories import Remote
from tests.http import Api

HOME = "/projects/elsewhere/connection"
ENVIRONMENTS = {"production": "production", "staging": "staging"}


@pytest.fixture
def api(sqlite_url: str, remote: Remote) -> Iterator[Api]:
    """An API with an empty project, which may use that remote's folder."""
    for api in serve_without_temporal(sqlite_url, flagd_folder=remote.root):
        api.post("/projects", {"key": "elsewhere"})
        yield api


def put(api: Api, **body: Any) -> Any:
    """Connect the project, or try to."""
    return api.request("PUT", HOME, {"kind": "flagd"} | body)


def test_repository_in_the_folder_is_connected(api: Api, remote: Remote) -> None:
    connected = put(api, address=remote.address)

    assert connected.json()["environments"] == ENVIRONMENTS
    assert connected.json()["address"] == remote.address
    assert api.post(f"{HOME}/check")["passed"]
    remote.by_hand("limit", {"metadata": {"description": "Pushed later"}})
    assert api.get("/projects/elsewhere/features/checkout")["name_there"] == "checkout"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ext::sh -c id", "The address is invalid"),
        ("ext::id", "Repositories are reached by https:// or file://"),
        ("--upload-pack=id", "must not begin with '-'"),
        ("ssh://git@git.example/flags.git", "Hosts give tokens for https"),
        ("git@git.example:flags.git", "Hosts give tokens for https"),
        ("https://user:password@git.example/flags.git", "A token belongs into the credential"),
        ("file:///etc", "is no folder inside the one that FLAGHOIST_FLAGD_FOLDER names"),
        ("file:///../etc", "is no folder inside"),
    ],
)
def test_unsafe_address_is_refused_where_it_is(api: Api, address: str, message: str) -> None:
    problem = problem_of(put(api, address=address), 422, "invalid")

    assert pointers(problem) == ["/address"]
    assert message in problem["detail"]
    assert api.get(HOME)["kind"] == "builtin"


def test_credential_stays_with_its_server(api: Api, server: GitServer, remote: Remote) -> None:
    address = f"{server.address}/shop.git"

    missing = put(api, address=f"{address}#main:deploy/flags")
    assert pointers(problem_of(missing, 422, "invalid")) == ["/credential"]
    assert put(api, address=f"{address}#main:deploy/flags", credential=ALLOWED).json()["has_credential"]
    assert put(api, address=f"{address}#:deploy/flags").json()["has_credential"]
    with git_server(remote.root) as other:
        refused = put(api, address=f"{other.address}/shop.git#main:deploy/flags")
        assert other.seen == []

    assert pointers(problem_of(refused, 422, "invalid")) == ["/credential"]
    assert ALLOWED.split(":")[1] not in str(api.get(HOME)) + refused.text


def test_terminal_sends_the_token_or_asks_for_it(api: Api, server: GitServer) -> None:
    address = f"{server.address}/shop.git#main:deploy/flags"
    with_token = Terminal(api.address, FLAGHOIST_PROJECT="elsewhere", GIT_TOKEN=ALLOWED)
    asking = Terminal(api.address, FLAGHOIST_PROJECT="elsewhere")

    tried = with_token.run("provider", "connect", "flagd", address, "--dry-run")
    assert (tried.code, "works  /address: The repository has 2 JSON files." in tried.out) == (0, True), tried.err
    assert asking.run("provider", "connect", "flagd", address, answers="\n").code == 1
    connected = asking.run("provider", "connect", "flagd", address, answers=f"{ALLOWED}\n")

    assert f"kept in flagd at {address}" in connected.out
    assert ALLOWED not in connected.out + connected.err


def test_dashboard_connects_a_repository(api: Api, server: GitServer) -> None:
    with closing(Visitor(api.address)) as visitor:
        visitor.sign_in()
        home = "/projects/elsewhere/provider"
        form = {"/kind": "flagd", "/address": f"{server.address}/shop.git#main:deploy/flags", "/credential": ALLOWED}

        connected = visitor.send(f"{home}/connect", **form, etag=hidden(visitor.look(f"{home}/connect"), "etag"))
        checked = visitor.look(f"{home}?check=yes")

    assert "Done." in connected.text
    assert "#main:deploy/flags" in connected.text
    assert "Everything works." in checked.text
    assert ALLOWED not in connected.text + checked.text
