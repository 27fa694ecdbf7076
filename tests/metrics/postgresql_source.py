"""A team's PostgreSQL: over TCP, with passwords, with a table of orders, and with a role that could also write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.ports import free_port
from tests.postgresql import PostgresqlServer

PASSWORD = "password-of-the-reader"  # noqa: S105 (of a database that only these tests use)

_SETUP = f"""
CREATE TABLE orders (flag text, arm text, amount numeric, at timestamptz);
INSERT INTO orders SELECT 'checkout', CASE WHEN i % 2 = 0 THEN 'on' ELSE 'off' END, i, now() - i * interval '1 second'
  FROM generate_series(1, 100) AS i;
CREATE SEQUENCE numbers;
CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}';
GRANT ALL ON orders, numbers TO reader;
GRANT CREATE ON SCHEMA public TO reader;
"""


class PostgresqlSource:
    """The server, and direct access to it."""

    def __init__(self, port: int, admin: str) -> None:
        self.port = port
        self.admin = admin

    @property
    def address(self) -> str:
        """The address of a source."""
        return f"postgresql://reader@localhost:{self.port}/postgres?sslmode=disable"

    def one(self, query: str) -> Any:
        """Return the one value of a query."""
        with psycopg.connect(self.admin) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def serving_postgresql() -> Iterator[PostgresqlSource]:
    """A server on a port of its own."""
    port = free_port()
    server = PostgresqlServer("listen_addresses=127.0.0.1", f"port={port}", "password_encryption=scram-sha-256", "fsync=off")
    server.address += f" port={port}"
    (server.folder / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    server.start()
    try:
        with psycopg.connect(server.address) as connection:
            connection.execute(_SETUP)
        yield PostgresqlSource(port, server.address)
    finally:
        server.stop()
        server.remove()
