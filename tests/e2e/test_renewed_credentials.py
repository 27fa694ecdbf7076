"""A certificate that is replaced while the processes run, at a server that then rejects the former one."""

from functools import partial
from pathlib import Path

import pytest

from tests.certificates import SERVER_NAME, Authority, client_environment, server_context
from tests.e2e.proxy import Proxy
from tests.e2e.stack import Process, running_stack
from tests.pipelines import pipeline, stage
from tests.waiting import wait_for

PIPELINE = pipeline(stage("Development"), stage("Production", "production", "3s"), key="renewal")


@pytest.mark.e2e
def test_releases_go_on_after_a_certificate_was_renewed_and_the_former_one_revoked(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers, clients = Authority(tmp_path / "servers"), Authority(tmp_path / "clients")
    used = clients.issue("first", "flaghoist.test")
    for name, value in client_environment(used, servers).items():
        monkeypatch.setenv(name, value)
    with (
        Proxy(server_context(servers.issue("server", SERVER_NAME), clients)) as proxy,
        running_stack(tmp_path, sqlite_url, api_behind=proxy, worker_behind=proxy, verbose=True) as stack,
    ):
        processes = (stack.api_process, stack.worker)
        stack.api.make_project()
        stack.api.publish(PIPELINE)
        first = stack.api.add(pipeline="renewal")

        used.certificate.write_text("half of a certif")
        for process in processes:
            wait_for(f"{process.name} to keep its certificate", partial(_logged, process, "temporal_credentials_kept"))
        used.replace_by(clients.issue("second", "flaghoist.test"))
        for process in processes:
            wait_for(f"{process.name} to renew its certificate", partial(_logged, process, "temporal_credentials_renewed"))
        proxy.revoke("first")
        stack.api.wait_for_release(first["id"], "completed")
        second = stack.api.add(pipeline="renewal")
        stack.api.wait_for_release(second["id"], "completed")

        assert "temporal_not_ready" not in stack.worker.log.read_text()


def _logged(process: Process, event: str) -> bool:
    return event in process.log.read_text()
