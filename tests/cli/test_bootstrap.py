"""`flaghoist bootstrap`, against a real Temporal server."""

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from activities.store.database import Database
from activities.store.migrate import differences
from tests.binaries import TEMPORAL
from tests.embedded.running import FLAGHOIST, settings_of
from tests.http import OWNER_KEY
from tests.ports import free_port
from tests.waiting import CEILING
from workflows.search_attributes import ALL

pytestmark = pytest.mark.e2e


class Deployment:
    """An unprepared deployment with a Temporal server."""

    def __init__(self, folder: Path, address: str, namespace: str) -> None:
        self.folder = folder
        self.address = address
        self.namespace = namespace
        self.database_url = f"sqlite:///{folder / 'flaghoist.db'}"

    def bootstrap(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        environment = {
            "FLAGHOIST_DATABASE_URL": self.database_url,
            "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_NAMESPACE": self.namespace,
        }
        command = [str(FLAGHOIST), "bootstrap", *options]
        merged = settings_of(self.folder) | environment | settings
        return subprocess.run(command, env=merged, cwd=self.folder, capture_output=True, text=True, timeout=CEILING, check=False)

    def retention(self) -> timedelta:
        """Return how long the namespace keeps closed workflows."""

        async def read() -> timedelta:
            client = await Client.connect(self.address, namespace=self.namespace)
            description = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=self.namespace))
            return description.config.workflow_execution_retention_ttl.ToTimedelta()

        return asyncio.run(read())

    def search_attributes(self) -> set[str]:
        """Return the names of the namespace's custom search attributes."""

        async def read() -> set[str]:
            client = await Client.connect(self.address, namespace=self.namespace)
            listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=self.namespace))
            return set(listed.custom_attributes)

        return asyncio.run(read())


@pytest.fixture
def temporal(tmp_path: Path) -> Iterator[str]:
    """The address of a dev server that is still starting."""
    port = free_port()
    command = [str(TEMPORAL), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with (tmp_path / "temporal.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        yield f"127.0.0.1:{port}"
        server.kill()


def test_bootstrap_prepares_a_deployment_and_repeating_it_changes_nothing(tmp_path: Path, temporal: str) -> None:
    deployment = Deployment(tmp_path, temporal, "flags")

    first, second = deployment.bootstrap(), deployment.bootstrap()

    assert (first.returncode, first.stderr) == (0, "")
    assert "The namespace flags was created, has the search attributes, and keeps closed workflows for 30 d." in first.stdout
    assert (second.returncode, second.stderr) == (0, "")
    assert "The namespace flags already existed" in second.stdout
    assert deployment.retention() == timedelta(days=30)
    assert {key.name for key in ALL} <= deployment.search_attributes()
    database = Database(deployment.database_url)
    with database.reading() as store:
        assert store.keys.knows(OWNER_KEY)
    assert differences(database) == []
    database.close()


def test_the_retention_of_an_existing_namespace_changes_only_on_request(tmp_path: Path, temporal: str) -> None:
    deployment = Deployment(tmp_path, temporal, "default")

    default = deployment.bootstrap()
    assert default.returncode == 0
    assert "keeps closed workflows for 1 d." in default.stdout
    assert "--retention 30d" in default.stdout
    assert deployment.retention() == timedelta(days=1)

    assert deployment.bootstrap("--retention", "45d").returncode == 0
    assert deployment.retention() == timedelta(days=45)
    assert deployment.bootstrap().returncode == 0
    assert deployment.retention() == timedelta(days=45)


def test_a_timeout_waiting_for_temporal_is_reported_in_a_sentence(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, f"127.0.0.1:{free_port()}", "flags")

    done = deployment.bootstrap("--wait", "1")

    assert done.returncode == 1
    assert "Temporal can't be prepared" in done.stderr
    assert "TEMPORAL_ADDRESS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_short_key_is_reported_in_a_sentence(tmp_path: Path, temporal: str) -> None:
    done = Deployment(tmp_path, temporal, "flags").bootstrap(FLAGHOIST_BOOTSTRAP_KEY="secret")

    assert done.returncode == 1
    assert "FLAGHOIST_BOOTSTRAP_KEY needs at least 20 characters" in done.stderr


def test_a_retention_that_the_server_rejects_is_reported_in_a_sentence(tmp_path: Path, temporal: str) -> None:
    deployment = Deployment(tmp_path, temporal, "flags")

    done = deployment.bootstrap("--retention", "1s")

    assert done.returncode == 1
    assert "etention" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_invalid_retention_is_a_usage_error(tmp_path: Path) -> None:
    done = Deployment(tmp_path, "127.0.0.1:1", "flags").bootstrap("--retention", "soon")

    assert done.returncode == 2
    assert "30m, 24h, 2d" in done.stderr
