"""A Temporal cluster on PostgreSQL with Flaghoist on it, as `docker-compose.yml` and `deploy/` describe it, in native processes."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.balancer import Balancer
from tests.cluster.postgresql import Postgresql
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
"""The ports in the configuration of the server's image."""

PASSWORD = "of-a-rehearsal"  # noqa: S105 (of a database that lives as long as the rehearsal)


class Node(Process):
    """One process of the Temporal server."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path, server: TemporalServer, port: int) -> None:
        super().__init__(name, [str(server.programs / "temporal-server"), "start"], environment, folder)
        self.address = (environment["BIND_ON_IP"], port)

    def listens(self) -> bool:
        """True if it accepts connections."""
        with suppress(OSError), socket.create_connection(self.address, timeout=1):
            return True
        return False


class Cluster:
    """PostgreSQL, the processes of a Temporal server, and those of Flaghoist."""

    def __init__(self, folder: Path, server: TemporalServer) -> None:
        self.server = server
        network = f"127.{random.randint(64, 254)}.{random.randint(1, 254)}"  # noqa: S311 (not a secret)
        self.database = f"{network}.{len(NODES) + 1}"
        self.postgresql = Postgresql(self.database, PASSWORD, *_options_of("postgresql"))
        names = [f"temporal-{role}-{NODES[:number].count(role) + 1}" for number, role in enumerate(NODES)]
        self.nodes = [
            Node(name, self._for_node(role, f"{network}.{number}"), folder, server, PORTS[role])
            for number, (name, role) in enumerate(zip(names, NODES, strict=True), start=1)
        ]
        ours = environment_of("api", PASSWORD) | {
            "FLAGHOIST_HOST": "127.0.0.1",
            "FLAGHOIST_DATABASE_URL": f"postgresql+psycopg://flaghoist:{PASSWORD}@{self.database}/flaghoist",
            "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
            "FLAGHOIST_SECRET_KEYS": "A" * 43 + "=",
            "TEMPORAL_ADDRESS": f"{network}.1:{PORTS['frontend']}",
        }
        self.bootstrap = Process("bootstrap", _ours(*services()["bootstrap"]["command"]), ours, folder)
        ports = [free_port() for _ in range(APIS)]
        self.apis = [
            Process(f"api-{number}", _ours("api"), ours | {"FLAGHOIST_PORT": str(port)}, folder)
            for number, port in enumerate(ports, start=1)
        ]
        self.workers = [Process(f"worker-{number}", _ours("worker"), ours, folder) for number in range(1, WORKERS + 1)]
        self.balancer = Balancer([("127.0.0.1", port) for port in ports])

    @property
    def processes(self) -> tuple[Process, ...]:
        """All processes that can be killed and started again, without PostgreSQL."""
        return (*self.nodes, *self.apis, *self.workers)

    def start(self) -> None:
        """Start everything in the order of the Compose file. Raises RuntimeError if a step of the preparation fails."""
        self.postgresql.start()
        wait_for("PostgreSQL to answer", self.postgresql.answers)
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

    def _for_node(self, role: str, address: str) -> dict[str, str]:
        here = {
            "TEMPORAL_SERVICES": role,
            "BIND_ON_IP": address,
            "POSTGRES_SEEDS": self.database,
            "DYNAMIC_CONFIG_FILE_PATH": str(ROOT / "deploy" / "temporal.yaml"),
            "LOG_LEVEL": "warn",
        }
        return environment_of("temporal", PASSWORD) | here


def _options_of(service: str) -> list[str]:
    """Return the settings that the Compose file gives to PostgreSQL."""
    return [part for part in services()[service]["command"][1:] if part != "-c"]


def _ours(*command: str) -> list[str]:
    return [str(Path(sys.executable).with_name("flaghoist")), *command]


@contextmanager
def running_cluster(folder: Path, server: TemporalServer) -> Iterator[tuple[Cluster, Api]]:
    """A running cluster, and its API behind the proxy. No process of it outlives the block."""
    cluster = Cluster(folder, server)
    try:
        cluster.start()
        with cluster.balancer:
            api = Api(f"http://{cluster.balancer.address}", OWNER_KEY)
            api.wait_until_ready()
            yield cluster, api
            api.close()
    finally:
        cluster.kill()
