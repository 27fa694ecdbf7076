"""A cluster as a system that runs can break."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from tests.chaos.databases import OPTIONS
from tests.chaos.faults import CUT, HELD, KINDS_OF_CLUSTER, SLOW, Fault
from tests.cluster.cluster import Choices, Cluster
from tests.cluster.temporal_server import TemporalServer

SETTINGS = {
    "FLAGHOIST_RECONCILE_SECONDS": "1",
    "FLAGHOIST_LOG_FORMAT": "text",
    "FLAGHOIST_LOG_LEVEL": "warning",
    "FLAGHOIST_METRICS_ALLOW_PRIVATE": "true",
}

SLOW_SECONDS = 0.3
"""The delay of everything that a slow part sends or receives."""


class BreakableCluster(Cluster):
    """A cluster whose network can fail between its parts."""

    kinds = KINDS_OF_CLUSTER

    def __init__(self, folder: Path, server: TemporalServer) -> None:
        super().__init__(folder, server, Choices(SETTINGS, OPTIONS))
        self._hosts = {node.name: node.reached_at for node in self.nodes}
        self.places = tuple(self._hosts)
        self.supervised = frozenset(self.places)
        """A server of Temporal that starts while PostgreSQL is down ends, and relies on being started again."""

    def network_fault(self, fault: Fault) -> AbstractContextManager[object]:
        """Let the network to a part fail while the block runs, if that is the fault."""
        host = self._hosts.get(fault.place, "")
        match fault.kind:
            case kind if kind == HELD:
                return self.network.stalled(host)
            case kind if kind == CUT:
                return self.network.cut_off(host)
            case kind if kind == SLOW:
                return self.network.delayed(host, SLOW_SECONDS)
        return nullcontext()


@contextmanager
def networked(cluster: BreakableCluster) -> Iterator[BreakableCluster]:
    """The cluster with its network, not started yet."""
    with cluster.network:
        yield cluster
