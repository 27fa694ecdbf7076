"""A PostgreSQL server for one measurement, as durable as an ordinary one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.postgresql import PostgresqlServer


@contextmanager
def serving() -> Iterator[PostgresqlServer]:
    """A new server with an empty database. Nothing of it outlives the block."""
    server = PostgresqlServer("max_connections=300")  # Two workers and the API may need more than the default of 100.
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.remove()


def database_url(server: PostgresqlServer) -> str:
    """Return the URL of its empty database."""
    return server.url_of("postgres")


def cpu_seconds(server: PostgresqlServer) -> float:
    """Return the processor time of all its processes, with those that have ended."""
    assert server.process
    main = psutil.Process(server.process.pid)
    return sum(main.cpu_times()[:4]) + sum(sum(each.cpu_times()[:2]) for each in main.children())
