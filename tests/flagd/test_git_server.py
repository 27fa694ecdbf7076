"""Repositories over HTTP: credentials, servers that refuse or misbehave, and servers that must not be called."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.catalogue import Reach, open_system
from activities.providers.connection_check import check_connection
from activities.providers.errors import ProviderUnauthorized, ProviderUnavailable
from activities.providers.flag_system import FlagSystem
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from domain.errors import Invalid
from domain.flags.connection import Connection
from domain.flags.patch import FlagPatch
from domain.flags.provider import ProviderKind
from tests.flagd.files import KEYS
from tests.flagd.git_server import ALLOWED, GitServer
from tests.flagd.repositories import Remote, git

ENABLE = FlagPatch(enabled=True)
SECRET_KEY = "A" * 43 + "="


class Open(Protocol):
    """Opens the repository on the server."""

    def __call__(self, credential: str | None = ALLOWED, resolver: Resolver | None = None, host: str = "127.0.0.1") -> FlagSystem: ...


@pytest.fixture
def open_at(server: GitServer) -> Iterator[Open]:
    """A function that opens the repository with this credential, and calls the server by that name."""
    with ExitStack() as stack:

        def open_at(credential: str | None = ALLOWED, resolver: Resolver | None = None, host: str = "127.0.0.1") -> FlagSystem:
            address = f"http://{host}:{server.server_port}/shop.git#main:deploy/flags"
            secret = SecretStr(credential) if credential else None
            reach = Reach(resolver or Resolver(allow_private=True), 60)
            return stack.enter_context(closing(open_system(Connection(kind=ProviderKind.FLAGD, address=address), secret, reach)))

        yield open_at


def test_change_is_pushed_with_the_credential(open_at: Open, server: GitServer, remote: Remote) -> None:
    files = open_at()

    assert all(each.passed for each in files.check(["production"]))
    files.apply("checkout", "production", ENABLE, KEYS)

    assert remote.subjects() == ["Begin", "Change production"]
    assert set(server.seen) == {ALLOWED}


def test_token_alone_is_a_password(open_at: Open, server: GitServer) -> None:
    files = open_at("token-alone")

    with pytest.raises(ProviderUnauthorized):
        files.environments()

    assert set(server.seen) == {"x-access-token:token-alone"}


def test_credential_is_no_argument_and_in_no_message_and_no_file(
    open_at: Open, server: GitServer, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    programs, log, temporary = tmp_path / "programs", tmp_path / "log", tmp_path / "temporary"
    for each in (programs, temporary):
        each.mkdir()
    (programs / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {shutil.which("git")} "$@"\n')
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    secret = ALLOWED.split(":")[1]
    files = open_at()

    files.apply("checkout", "production", ENABLE, KEYS)
    server.answers["git-receive-pack"] = 403
    with pytest.raises(ProviderUnauthorized) as refused:
        files.apply("checkout", "staging", ENABLE, KEYS)

    assert "push" in log.read_text()
    kept = [each.read_bytes() for each in temporary.rglob("*") if each.is_file()]
    assert kept == []
    said = log.read_text() + str(refused.value) + caplog.text + git("-C", remote.bare, "log", "--format=%B%an%ae")
    assert secret not in said
    assert "Authorization" not in said


@pytest.mark.parametrize(
    ("part", "status", "error", "message"),
    [
        ("git-upload-pack", 401, ProviderUnauthorized, "The server wants another credential"),
        ("git-upload-pack", 403, ProviderUnauthorized, "The server wants another credential"),
        ("git-receive-pack", 403, ProviderUnauthorized, "The server wants another credential"),
        ("git-upload-pack", 404, ProviderUnavailable, "git fetch failed"),
        ("git-upload-pack", 500, ProviderUnavailable, "git fetch failed"),
        ("git-receive-pack", 503, ProviderUnavailable, "git push failed"),
        ("git-upload-pack", 302, ProviderUnavailable, "git fetch failed"),
    ],
)
def test_answer_of_a_server_that_refuses_or_fails(
    open_at: Open, server: GitServer, remote: Remote, part: str, status: int, error: type[Exception], message: str
) -> None:
    (remote.root / "elsewhere.git").symlink_to(remote.bare)
    server.answers[part] = status
    files = open_at()

    with pytest.raises(error, match=message):
        files.apply("checkout", "production", ENABLE, KEYS)
    assert not all(each.passed for each in files.check(["production"]))

    assert remote.subjects() == ["Begin"]
    del server.answers[part]
    files.apply("checkout", "production", ENABLE, KEYS)
    assert remote.subjects() == ["Begin", "Change production"]


def test_server_is_called_at_the_address_that_was_checked(open_at: Open, server: GitServer, remote: Remote) -> None:
    """Nobody else knows this host."""
    resolver = Resolver(lambda _host, _port: ["127.0.0.1"], allow_private=True)
    files = open_at(resolver=resolver, host="git.invalid")

    files.apply("checkout", "production", ENABLE, KEYS)

    assert remote.subjects() == ["Begin", "Change production"]


def test_private_server_is_not_called_without_the_setting(open_at: Open, server: GitServer) -> None:
    files = open_at(resolver=Resolver(lambda _host, _port: ["127.0.0.1"], allow_private=False), host="git.invalid")

    with pytest.raises(ProviderUnavailable, match="The scheme must be https"):
        files.environments()

    assert server.seen == []


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://127.0.0.1/shop.git", "FLAGHOIST_PROVIDERS_ALLOW_PRIVATE=true"),
        ("http://git.example/shop.git", "The scheme must be https"),
        ("ext::sh", "Repositories are reached by https:// or file://"),
        ("--upload-pack=sh", "must not begin with '-'"),
        ("https://bot:token@127.0.0.1/shop.git", "A token belongs into the credential"),
    ],
)
def test_check_refuses_addresses_that_must_not_be_called(address: str, message: str) -> None:
    systems = FlagSystems(Sealer([SECRET_KEY]), Resolver(lambda _host, _port: ["127.0.0.1"], allow_private=False))

    checked = check_connection(systems, Connection(kind=ProviderKind.FLAGD, address=address), SecretStr("x"), None)

    with pytest.raises(Invalid, match=message) as refused:
        checked.check_passed()
    assert [each.pointer for each in refused.value.problems] == ["/address"]
