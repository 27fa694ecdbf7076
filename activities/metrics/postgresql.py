"""PostgreSQL servers that metrics may read: at checked addresses, in transactions that can only read, within a deadline."""

from contextlib import closing
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from pydantic import SecretStr
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL, make_url

from activities.dns import Resolver
from activities.metrics.adapter import CannotTell, Deadline, quoted
from activities.metrics.rows import Row
from activities.metrics.sql import ReadRows, rows_of
from domain.errors import AddressRefused
from domain.webhooks.address import WebhookTarget

Answer = TypeVar("Answer")

CONNECT_SECONDS = 2
"""The wait for each address of a server. libpq has no shorter one."""

_LIMITS = "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true), set_config('TimeZone', 'UTC', true)"
"""Settings of one transaction. Connection poolers refuse those of a whole connection."""

MOST_ADDRESSES = 2
PORT = 5432


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection that is closed at its deadline, also if the server enforces none."""

    deadline: Deadline | None = None

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Wait for the server until the deadline. After it, close the connection and raise OperationalError."""
        if self.deadline is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.deadline.left())
        except (psycopg.errors._WaitTimeout, CannotTell) as silence:  # psycopg has no public name for it.
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer came in time") from silence


def postgresql_reader(address: str, credential: SecretStr | None, resolver: Resolver) -> ReadRows:
    """Return a function that reads the database of a PostgreSQL URL."""
    url, dialect = make_url(address), PGDialect_psycopg()  # type: ignore[no-untyped-call] # SQLAlchemy does not annotate it

    def read(statement: TextClause, most: int, deadline: Deadline) -> list[Row]:
        addresses, compiled = addresses_of(url, resolver), statement.compile(dialect=dialect)
        try:
            with closing(_opened(url, addresses, credential, deadline)) as connection:
                # A server-side cursor takes nothing but one SELECT, and returns only as many rows as are fetched.
                connection.execute(_LIMITS, (limit := f"{deadline.left() * 1_000:.0f}ms", limit))
                with connection.cursor("metric") as cursor:
                    cursor.execute(compiled.string, compiled.params)
                    return rows_of((column.name for column in cursor.description or ()), cursor.fetchmany(most))
        except psycopg.Error as error:
            deadline.left()
            raise _reason(error) from None

    return read


def _reason(error: psycopg.Error) -> CannotTell:
    """Return why the server has no answer. Its message is shown: neither it nor the query has the credential."""
    said = quoted(str(error).partition("\n")[0] or type(error).__name__)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return CannotTell("source_down", f"The query took too long: {said}")
    if isinstance(error, psycopg.OperationalError):
        return CannotTell("source_down", f"The database can't be reached: {said}")
    return CannotTell("source_refused", f"PostgreSQL refused the query: {said}")


def addresses_of(url: URL, resolver: Resolver) -> list[str]:
    """Return the addresses of the host. Raises CannotTell if one of them is not allowed."""
    try:
        found = resolver.resolve(WebhookTarget(str(url.host), url.port or PORT))
    except AddressRefused as refusal:
        raise CannotTell("source_refused", f"{refusal.message}{remedy(resolver)}") from None
    return [str(each) for each in found[:MOST_ADDRESSES]]


def remedy(resolver: Resolver) -> str:
    """Name the setting that would allow a private address, unless it is on."""
    return "" if resolver.allow_private else " FLAGHOIST_METRICS_ALLOW_PRIVATE=true allows private addresses and plain HTTP."


def _opened(url: URL, addresses: list[str], credential: SecretStr | None, deadline: Deadline) -> psycopg.Connection[Any]:
    """Connect to the addresses that were checked. TLS still verifies the host's name."""
    connection = DeadlineConnection.connect(
        host=",".join([str(url.host)] * len(addresses)),
        hostaddr=",".join(addresses),
        port=url.port or PORT,
        user=url.username,
        password=credential.get_secret_value() if credential else "",
        dbname=url.database,
        connect_timeout=CONNECT_SECONDS,
        passfile="/dev/null",  # The server's own password file is not meant for these.
        application_name="flaghoist-metrics",
        **_tls(url),
    )
    connection.deadline = deadline
    connection.read_only = True
    return connection


def _tls(url: URL) -> dict[str, Any]:
    """Return the options of the address about TLS. The certificate and the tickets of the user that runs Flaghoist are never sent."""
    return {"sslcertmode": "disable", "gssencmode": "disable", **{name: str(value) for name, value in url.query.items()}}
