"""A worker that can't work says so and ends; one that may not register search attributes works if they exist."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesResponse
from temporalio.service import RPCError, RPCStatusCode

from activities.store.database import Database
from tests.ports import free_port
from tests.refusing_server import refusing_server
from tests.waiting import CEILING
from tests.workflows.harness import dev_server_harness
from workflows.search_attributes import ALL
from workflows.service.connection import ENVIRONMENT
from workflows.service.namespace import register_search_attributes
from workflows.service.rejections import SearchAttributesMissing, rejection
from workflows.service.startup import WorkerCannotStart, connect_worker

PERMISSION_DENIED, UNAVAILABLE, UNAUTHENTICATED = 7, 14, 16


class DeniedOperator:
    """An operator service that lists search attributes and lets nobody add any."""

    def __init__(self, *present: str) -> None:
        self.present = present

    async def list_search_attributes(self, _request: object, **_options: object) -> ListSearchAttributesResponse:
        """Return what exists."""
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        return ListSearchAttributesResponse(custom_attributes=dict.fromkeys(self.present, keyword))

    async def add_search_attributes(self, _request: object, **_options: object) -> None:
        """Refuse."""
        raise RPCError("no right", RPCStatusCode.PERMISSION_DENIED, b"")


class DeniedClient:
    """A client without the right to register search attributes."""

    namespace = "default"

    def __init__(self, *present: str) -> None:
        self.operator_service = DeniedOperator(*present)


@pytest.fixture
def temporal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with refusing_server(request.param, "Request unauthorized.") as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        yield


@pytest.mark.usefixtures("temporal")
@pytest.mark.parametrize(
    ("temporal", "variable"), [(UNAUTHENTICATED, "API key"), (PERMISSION_DENIED, "rights")], indirect=["temporal"], ids=["key", "right"]
)
def test_a_worker_that_temporal_rejects_ends_with_a_sentence(variable: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "worker"], capture_output=True, text=True, timeout=CEILING, check=False)

    assert ended.returncode == 1
    assert '"event": "worker_cannot_start"' in ended.stderr
    assert variable in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.usefixtures("temporal")
@pytest.mark.parametrize("temporal", [UNAVAILABLE], indirect=True)
def test_an_outage_is_no_rejection() -> None:
    with pytest.raises(RuntimeError) as failure:
        asyncio.run(ENVIRONMENT.connect(lazy=False))

    assert rejection(failure.value) is None


def test_an_address_at_which_nothing_listens_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")

    with pytest.raises(RuntimeError) as failure:
        asyncio.run(ENVIRONMENT.connect(lazy=False))

    assert rejection(failure.value) is None


def test_tls_at_an_address_without_tls_is_a_rejection(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            monkeypatch.setenv("TEMPORAL_ADDRESS", harness.env.client.service_client.config.target_host)
            monkeypatch.setenv("TEMPORAL_TLS", "true")
            with pytest.raises(WorkerCannotStart, match="does not use TLS"):
                await connect_worker(asyncio.Event(), ENVIRONMENT)

    asyncio.run(scenario())


def test_a_worker_without_the_right_to_register_needs_only_that_the_search_attributes_exist() -> None:
    asyncio.run(register_search_attributes(DeniedClient(*(key.name for key in ALL))))  # type: ignore[arg-type]


def test_a_worker_without_the_right_to_register_names_the_missing_search_attributes() -> None:
    with pytest.raises(SearchAttributesMissing, match=r"FlaghoistStatus, FlaghoistNextAt\. Register them") as failure:
        asyncio.run(register_search_attributes(DeniedClient(*(key.name for key in ALL[:-2]))))  # type: ignore[arg-type]

    assert rejection(failure.value) == str(failure.value)


@pytest.mark.parametrize(
    ("message", "variable"),
    [
        ("error: InvalidCertificate(UnknownIssuer)", "TEMPORAL_TLS_SERVER_CA_CERT_PATH"),
        ("error: InvalidCertificate(NotValidForNameContext {})", "TEMPORAL_TLS_SERVER_NAME"),
        ('error: "received fatal alert: CertificateRequired"', "TEMPORAL_TLS_CLIENT_CERT_PATH"),
        ('error: "received fatal alert: HandshakeFailure"', "another version of TLS"),
        ("tonic::transport::Error(Transport, PrivateKeyParseError)", "TEMPORAL_TLS_CLIENT_KEY_PATH"),
    ],
)
def test_the_sdks_messages_about_certificates_are_rejections(message: str, variable: str) -> None:
    """These are parts of what temporalio 1.35.0 raised at servers with such certificates."""
    assert variable in (rejection(RuntimeError(f"Failed client connect: {message}")) or "")


def test_an_alert_that_can_pass_is_no_rejection() -> None:
    assert rejection(RuntimeError('Failed client connect: error: "received fatal alert: InternalError"')) is None
