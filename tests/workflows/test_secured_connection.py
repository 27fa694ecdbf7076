"""A server with TLS that wants certificates: each way to fail is a sentence with its remedy."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.system import Lateness, SystemCondition, TemporalStatus, judge
from tests.certificates import SERVER_NAME, Authority, Certificate, client_environment, handshaking, server_context
from tests.waiting import CEILING, wait_until
from tests.world import NOW
from workflows.service.client import ReleaseClient
from workflows.service.connection import ENVIRONMENT
from workflows.service.startup import WorkerCannotStart, connect_worker


class Secured:
    """The authorities, a server that wants certificates, and the certificate that it accepts."""

    def __init__(self, folder: Path) -> None:
        self.servers, self.clients, self.strangers = (Authority(folder / name) for name in ("servers", "clients", "strangers"))
        self.server = self.servers.issue("server", SERVER_NAME)
        self.client = self.clients.issue("client", "flaghoist.test")
        self.address = ""

    def environment(self, certificate: Certificate | None = None) -> dict[str, str]:
        """Return the variables of a client."""
        return client_environment(certificate or self.client, self.servers) | {"TEMPORAL_ADDRESS": self.address}


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    made = Secured(tmp_path / "certificates")
    with handshaking(server_context(made.server, made.clients)) as made.address:
        yield made


def _no_certificate(secured: Secured) -> dict[str, str]:
    return {"TEMPORAL_TLS_CLIENT_CERT_PATH": "", "TEMPORAL_TLS_CLIENT_KEY_PATH": ""}


def _other_key(secured: Secured) -> dict[str, str]:
    return {"TEMPORAL_TLS_CLIENT_KEY_PATH": str(secured.server.key)}


def _damaged(secured: Secured) -> dict[str, str]:
    damaged = secured.client.certificate.with_name("damaged.pem")
    damaged.write_text(secured.client.certificate.read_text()[:200])
    return {"TEMPORAL_TLS_CLIENT_CERT_PATH": str(damaged)}


def _plain_text(secured: Secured) -> dict[str, str]:
    return dict.fromkeys(client_environment(secured.client, secured.servers), "")


REFUSED: dict[str, tuple[Callable[[Secured], dict[str, str]], str]] = {
    "no client certificate": (_no_certificate, "requires a client certificate"),
    "another authority": (
        lambda it: it.environment(it.strangers.issue("stranger", "x.test")),
        "that the server does not know",
    ),
    "expired": (lambda it: it.environment(it.clients.issue("old", "x.test", expired=True)), "has expired"),
    "another key": (_other_key, "don't belong together"),
    "damaged": (_damaged, "can't be read"),
    "no such file": (lambda it: {"TEMPORAL_TLS_CLIENT_CERT_PATH": str(it.client.key.with_name("none"))}, "No such file"),
    "unknown server": (lambda it: {"TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(it.strangers.certificate)}, "TEMPORAL_TLS_SERVER_CA_CERT_PATH"),
    "wrong server name": (lambda it: {"TEMPORAL_TLS_SERVER_NAME": "other.test"}, "has another name"),
    "plain text": (_plain_text, "Temporal requires TLS at this address"),
}


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_refused_connection_ends_a_worker_with_a_sentence(
    change: Callable[[Secured], dict[str, str]], sentence: str, secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, secured.environment() | change(secured))

    with pytest.raises(WorkerCannotStart, match=sentence):
        asyncio.run(asyncio.wait_for(connect_worker(asyncio.Event(), ENVIRONMENT), CEILING))


def test_an_api_that_is_refused_says_why(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> TemporalStatus:
        releases = ReleaseClient(await ENVIRONMENT.connect())
        return await wait_until("the reason", lambda: _refused(releases))

    _set(monkeypatch, secured.environment(secured.strangers.issue("stranger", "x.test")))

    verdict = judge(asyncio.run(scenario()), Lateness(), NOW)

    assert verdict.condition is SystemCondition.TEMPORAL_UNAVAILABLE
    assert "TEMPORAL_TLS_CLIENT_CERT_PATH" in verdict.message


async def _refused(releases: ReleaseClient) -> TemporalStatus | None:
    status = await releases.health()
    return status if status.rejection else None
