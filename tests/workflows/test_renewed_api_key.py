"""An API key that is replaced in its file while a process runs."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from activities.store.database import Database
from tests.workflows.harness import dev_server_harness
from workflows.service.client import ReleaseClient
from workflows.service.connection import Connection
from workflows.service.credentials import CredentialRenewal


def test_a_changed_key_is_used_and_an_empty_file_keeps_the_former_one(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")

    async def scenario() -> list[str | None]:
        async with dev_server_harness(sqlite) as harness:
            monkeypatch.setenv("TEMPORAL_ADDRESS", harness.env.client.service_client.config.target_host)
            monkeypatch.setenv("TEMPORAL_TLS", "false")
            connection = Connection(file)
            releases = ReleaseClient(await connection.connect())
            renewal = CredentialRenewal(releases, connection)
            used = []
            for text in ("first\n", "", "", "second\n", "second\n"):
                file.write_text(text)
                await renewal.look()
                used.append(releases.client.service_client.config.api_key)
            assert (await releases.health()).reachable
            return used

    with capture_logs() as logged:
        used = asyncio.run(scenario())

    assert used == ["first", "first", "first", "second", "second"]
    assert [line["event"] for line in logged] == ["temporal_credentials_kept", "temporal_credentials_renewed"]
    assert "has no API key" in logged[0]["error"]
