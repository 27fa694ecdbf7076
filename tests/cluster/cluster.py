"""A Temporal cluster on PostgreSQL with Flaghoist on it, as `docker-compose.yml` and `deploy/` describe it, in native processes."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.executions import TemporalAddress
from tests.cluster.network import Network
from tests.cluster.postgresql import ClusterPostgresql
from tests.cluster.temporal_server import TemporalServer
from tests.e2e.stack import Process
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.repo.compose import ROOT, environment_of, services
from tests.waiting import CEILING, wait_for

NODES = ("frontend", "history", "history", "matching", "worker")
"""The processes of the Temporal server, each on a loopback address of its own."""

APIS, WORKERS = 2, 3
PORTS = {"frontend": 7233, "history": 7234, "matching": 7235, "worker": 7239}
MEMBERSHIP_PORTS = {"frontend": 6933, "history": 6934, "matching": 6935, "worker": 6939}
"""The ports in the configuration of the server's image."""

PASSWORD = "of-a-rehearsal"  # noqa: S105 (of a database that lives as long as the rehearsal)


class Node(Process):
    """One process of the Temporal server."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path, server: TemporalServer, port: int) -> None:
        super().__init__(name, [str(server.programs / "temporal-server"), "start"], environment, folder)
        self.host, self.reached_at = environment["BIND_ON_IP"], environment["TEMPORAL_BROADCAST_ADDRESS"]
        self.address = (self.host, port)

    def listens(self) -> bool:
        """True if it accepts connections."""
        with suppress(OSError), socket.create_connection(self.address, timeout=1):
            return True
        return False


@dataclass(frozen=True)
class Choices:
    """Everything about a cluster that may differ from the Compose file."""

    settings: dict[str, str] = field(default_factory=dict)
    """More environment variables for Flaghoist's processes."""
    postgresql: tuple[str, ...] = ()
    """More settings of PostgreSQL, such as `jit=off`."""
    program: Path | None = None
    """The program `flaghoist` of another version."""
    proxied: bool = True
    """True if the processes of Temporal announce addresses behind a proxy, so that the network to them can fail."""


class Cluster:
    """PostgreSQL, the processes of a Temporal server, and those of Flaghoist."""

    def __init__(self, folder: Path, server: TemporalServer, choices: "Choices | None" = None) -> None:
        choices = choices or Choices()
        self.folder, self.server = folder, server
        flaghoist = str(choices.program) if choices.program else our_command("flaghoist")[0]
        subnet = f"127.{random.randint(64, 254)}.{random.randint(1, 254)}"  # noqa: S311 (not a secret)
        self.database = f"{subnet}.{len(NODES) + 1}"
        self.postgresql = ClusterPostgresql(self.database, PASSWORD, *_options_of("postgresql"), *choices.postgresql)
        names = [f"temporal-{role}-{NODES[:number].count(role) + 1}" for number, role in enumerate(NODES)]
        self.nodes = [
            Node(
                name, self._for_node(role, f"{subnet}.{number}", f"{subnet}.{number + 100 * choices.proxied}"), folder, server, PORTS[role]
            )
            for number, (name, role) in enumerate(zip(names, NODES, strict=True), start=1)
        ]
        self.temporal = TemporalAddress(f"{self.nodes[0].reached_at}:{PORTS['frontend']}", "flaghoist")
        ours = environment_of("api", PASSWORD) | {
            "FLAGHOIST_HOST": "127.0.0.1",
            "FLAGHOIST_DATABASE_URL": self.postgresql.url_of("flaghoist"),
            "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
            "FLAGHOIST_SECRET_KEYS": "A" * 43 + "=",
            "TEMPORAL_ADDRESS": self.temporal.address,
            **choices.settings,
        }
        self.bootstrap = Process("bootstrap", [flaghoist, *services()["bootstrap"]["command"]], ours, folder)
        ports = [free_port() for _ in range(APIS)]
        self.apis = [
            Process(f"api-{number}", [flaghoist, "api"], ours | {"FLAGHOIST_PORT": str(port)}, folder)
            for number, port in enumerate(ports, start=1)
        ]
        self.workers = [Process(f"worker-{number}", [flaghoist, "worker"], ours, folder) for number in range(1, WORKERS + 1)]
        self.network = Network()
        for role, node in zip(NODES, self.nodes, strict=True) if choices.proxied else ():
            for port in (PORTS[role], MEMBERSHIP_PORTS[role]):
                self.network.link((node.reached_at, port), (node.host, port))
        front = ("127.0.0.1", free_port())
        self.network.link(front, *(("127.0.0.1", port) for port in ports))
        self.api = Api(f"http://{front[0]}:{front[1]}", OWNER_KEY)

    @property
    def ours(self) -> tuple[Process, ...]:
        """The processes of Flaghoist."""
        return (*self.apis, *self.workers)

    @property
    def processes(self) -> tuple[Process, ...]:
        """All processes that can be killed and started again, without PostgreSQL."""
        return (*self.nodes, *self.ours)

    def start(self) -> None:
        """Start everything in the order of the Compose file. Raises RuntimeError if a step of the preparation fails."""
        self.postgresql.start()
        self._run("create-databases.sh", self._for_psql())
        self._run("update-temporal-schemas.sh", self._for_schemas())
        for node in self.nodes:  # In turn: nodes that start on an empty database together may end with "version mismatch".
            node.start()
            wait_for(f"{node.name} to listen", node.listens)
        self.bootstrap.start()
        assert self.bootstrap.running
        if code := self.bootstrap.running.wait(CEILING):
            raise RuntimeError(f"bootstrap ended with {code}: {self.bootstrap.log.read_text()}")
        for process in (*self.workers, *self.apis):
            process.start()
        self.api.wait_until_ready()

    def kill(self) -> None:
        """End everything at once, as a power cut would, and remove the database."""
        for process in (*self.processes, self.bootstrap):
            process.kill()
        self.postgresql.kill()
        self.postgresql.remove()

    def _run(self, script: str, environment: dict[str, str]) -> None:
        path = f"{self.server.programs}:{self.postgresql.programs}:{os.environ['PATH']}"
        command = ["sh", str(ROOT / "deploy" / script)]
        done = subprocess.run(command, env=environment | {"PATH": path}, check=False, capture_output=True, text=True, timeout=CEILING)
        if done.returncode:
            raise RuntimeError(f"{script} failed: {done.stdout}{done.stderr}")

    def _for_psql(self) -> dict[str, str]:
        return {
            "PGHOST": self.database,
            "PGPASSWORD": PASSWORD,
            "POSTGRES_USER": "postgres",
            "DATABASE_PASSWORD": PASSWORD,
            "TEMPORAL_DATABASE_PASSWORD": PASSWORD,
        }

    def _for_schemas(self) -> dict[str, str]:
        here = {"SQL_HOST": self.database, "TEMPORAL_SCHEMAS": str(self.server.schemas)}
        return environment_of("temporal-schemas", PASSWORD) | here

    def _for_node(self, role: str, host: str, reached_at: str) -> dict[str, str]:
        here = {
            "TEMPORAL_SERVICES": role,
            "BIND_ON_IP": host,
            "TEMPORAL_BROADCAST_ADDRESS": reached_at,
            "POSTGRES_SEEDS": self.database,
            "DYNAMIC_CONFIG_FILE_PATH": str(ROOT / "deploy" / "temporal.yaml"),
            "LOG_LEVEL": "warn",
        }
        return environment_of("temporal", PASSWORD) | here


def _options_of(service: str) -> list[str]:
    """Return the settings that the Compose file gives to PostgreSQL."""
    return [part for part in services()[service]["command"][1:] if part != "-c"]


def our_command(program: str, *arguments: str) -> list[str]:
    """Return the command of a program in the environment of this Python."""
    return [str(Path(sys.executable).with_name(program)), *arguments]


@contextmanager
def running_cluster(folder: Path, server: TemporalServer, choices: Choices | None = None) -> Iterator[Cluster]:
    """A running cluster. No process of it outlives the block."""
    cluster = Cluster(folder, server, choices)
    with cluster.network:
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.kill()
            cluster.api.close()
