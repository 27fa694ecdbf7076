"""A rehearsal: a Temporal cluster that wants a certificate and an API key of every client, and the sentence for each way to fail."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from process_exit import exit_process
from tests.cluster.__main__ import EXPECTED, RELEASES, add_releases, events, states
from tests.cluster.access import Access, Issuer
from tests.cluster.cluster import Choices, Cluster
from tests.cluster.prerequisites import server_or_exit
from tests.e2e.stack import Process
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.waiting import CEILING, wait_for

FLAGHOIST = str(Path(sys.executable).with_name("flaghoist"))
CLIENT_FILES = ("TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH")
TLS = (*CLIENT_FILES, "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_NAME")


def refusals(access: Access, folder: Path) -> dict[str, tuple[dict[str, str], str]]:
    """Return for each way to fail the variables that cause it, where an empty one is not set, and a part of the sentence."""
    stranger, expired = access.strangers.issue("stranger", "x.test"), access.clients.issue("expired", "x.test", expired=True)
    foreign = Issuer(folder / "foreign").sign("flaghoist:admin")
    return {
        "no client certificate": (dict.fromkeys(CLIENT_FILES, ""), "requires a client certificate"),
        "certificate of another authority": (access.for_client(stranger), "Temporal rejects the client certificate"),
        "expired certificate": (access.for_client(expired), "client certificate"),
        "unknown server": ({"TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(access.strangers.certificate)}, "certificate is not trusted"),
        "wrong server name": ({"TEMPORAL_TLS_SERVER_NAME": "other.test"}, "has another name"),
        "no API key": ({"TEMPORAL_API_KEY": ""}, "Temporal denies access"),
        "no token": ({"TEMPORAL_API_KEY": "nonsense"}, "Temporal rejects the API key"),
        "key of another issuer": ({"TEMPORAL_API_KEY": foreign}, "Temporal rejects the API key"),
        "expired key": ({"TEMPORAL_API_KEY": access.issuer.sign("flaghoist:admin", expired=True)}, "Temporal rejects the API key"),
        "key of another namespace": ({"TEMPORAL_API_KEY": access.issuer.sign("default:admin")}, "Temporal denies access"),
        "plain text": (dict.fromkeys((*TLS, "TEMPORAL_API_KEY"), ""), "Temporal requires TLS at this address"),
    }


def main() -> None:
    """Start everything with certificates and keys, let releases progress, and try each way to fail."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    server = server_or_exit(console)
    folder = Path(tempfile.mkdtemp(prefix="flaghoist-security-"))
    cluster = Cluster(folder, server, Choices(proxied=False))  # The proxy does not forward to the internal frontend.
    access = Access(folder, [node.address[0] for node in cluster.nodes])
    _secure(cluster, access)
    with _running(cluster) as api:
        add_releases(api)
        wait_for("every release to be completed", lambda: states(api) == {"completed": RELEASES}, interval=1)
        acts = events(api)
        console.print(f"{RELEASES} releases completed, by workers whose key has the role write: {acts}")
        failed = [name for name, case in refusals(access, folder).items() if not _is_refused(cluster, folder, name, *case, console)]
    if not failed:
        shutil.rmtree(folder)
    exit_process(1 if failed or acts != EXPECTED else 0)


def _secure(cluster: Cluster, access: Access) -> None:
    for node in cluster.nodes:
        node.environment |= access.for_node()
        if node.environment["TEMPORAL_SERVICES"] == "frontend":
            node.environment["TEMPORAL_SERVICES"] = "frontend,internal-frontend"
    for process in cluster.ours:
        process.environment = process.environment | access.for_client() | {"TEMPORAL_API_KEY": access.keys["write"]}
    cluster.bootstrap.environment = cluster.bootstrap.environment | access.for_client() | {"TEMPORAL_API_KEY": access.keys["admin"]}


@contextmanager
def _running(cluster: Cluster) -> Iterator[Api]:
    with cluster.network:
        try:
            cluster.start()
            yield cluster.api
        finally:
            cluster.kill()
            cluster.api.close()


def _is_refused(cluster: Cluster, folder: Path, name: str, change: dict[str, str], sentence: str, console: Console) -> bool:
    """True if a worker and `bootstrap` end with the sentence, and the status of an API has it."""
    right = os.environ | cluster.workers[0].environment
    wrong = {variable: value for variable, value in (right | change).items() if value}
    ended = [_end(command, wrong) for command in (["worker"], ["bootstrap", "--wait", "20"])]
    summary = _summary(wrong, folder, sentence)
    holds = all(each.returncode == 1 and sentence in each.stderr for each in ended) and sentence in summary
    console.print(f"{'ok  ' if holds else 'FAIL'} {name}: {summary}")
    if not holds:
        console.print("\n".join(f"exit code {each.returncode}: {each.stdout}{each.stderr}" for each in ended))
    return holds


def _end(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FLAGHOIST, *command], env=environment, capture_output=True, text=True, timeout=CEILING, check=False)


def _summary(environment: dict[str, str], folder: Path, sentence: str) -> str:
    """Return the status of an API with this environment, once it has the sentence, or the last one."""
    port = free_port()
    process = Process("refused-api", [FLAGHOIST, "api"], environment | {"FLAGHOIST_PORT": str(port)}, folder)
    api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
    seen = [""]

    def has_it() -> bool:
        seen.append(api.get("/status")["summary"])
        return sentence in seen[-1]

    try:
        process.start()
        api.wait_until_ready()
        wait_for("the sentence", has_it, seconds=20, interval=1)
    except TimeoutError:
        pass
    finally:
        process.kill()
        api.close()
    return seen[-1]


if __name__ == "__main__":
    main()
