"""Metric sources: where a project's metrics come from."""

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from domain.model import Frozen
from domain.text import NameOrKey, Slug

MOST_CALLS = 32
USUAL_CALLS = 4
MOST_SOURCES = 20

POSTGRESQL = frozenset({"postgresql", "postgresql+psycopg"})
SQLITE = frozenset({"sqlite"})

_OPTIONS = {
    "sslmode": frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
    "sslrootcert": frozenset({"system"}),
}
"""The options of a PostgreSQL URL. Others name files of the server, or other servers."""

_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


class SourceKind(StrEnum):
    """The kind of a source, which decides how its metrics are asked for."""

    PROMETHEUS = "prometheus"
    SQL = "sql"
    HTTP = "http"

    @property
    def label(self) -> str:
        """Its name for people."""
        return "Prometheus" if self is SourceKind.PROMETHEUS else self.value.upper()

    @property
    def is_over_http(self) -> bool:
        """True if its address is the URL of an HTTP server."""
        return self is not SourceKind.SQL


def _plain(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must have only printable ASCII characters, without spaces")
    return text


Username = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^:]+$"), AfterValidator(_plain)]
"""The user of basic authentication (RFC 7617)."""


class MetricSource(Frozen):
    """A source of a project. The credential is kept apart from it, encrypted.

    `address` is the base URL of an HTTP server, or an SQLAlchemy URL without a password.
    """

    key: Slug
    name: NameOrKey = Field(default=None, validate_default=True)
    kind: SourceKind
    address: Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_plain)]
    username: Username | None = None
    calls: int = Field(default=USUAL_CALLS, ge=1, le=MOST_CALLS, strict=True)
    """The most calls in flight at the same time, of each process."""

    @property
    def is_sqlite(self) -> bool:
        """True if its address is a SQLite file."""
        return self.kind is SourceKind.SQL and urlsplit(self.address).scheme in SQLITE

    @field_validator("address")
    @classmethod
    def _fits_kind(cls, address: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if kind is not None:
            check_address(SourceKind(kind), address)
        return address

    @field_validator("username")
    @classmethod
    def _user_once(cls, username: str | None, info: ValidationInfo) -> str | None:
        if username is not None and info.data.get("kind") == SourceKind.SQL:
            raise ValueError("must not be set for sql: write the user into the address, as in postgresql://user@host/database")
        return username


def check_address(kind: SourceKind, address: str) -> None:
    """Raise ValueError, with the remedy, if the address does not have the form of its kind. It never quotes the address."""
    parts = _split(address)
    if parts.password is not None or "password" in dict(parse_qsl(parts.query, keep_blank_values=True)):
        raise ValueError("must not contain a password: send it as `credential`, which is stored encrypted")
    if kind is SourceKind.SQL:
        _check_sql(parts)
    else:
        _check_http(parts)


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError("must be a valid URL") from error
    return parts


def _check_http(parts: SplitResult) -> None:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as https://prometheus.example")
    if parts.username is not None:
        raise ValueError("must not contain a user: send it as `username`")
    if parts.query or parts.fragment:
        raise ValueError("must not contain '?' or '#': queries are parts of metrics")


def _check_sql(parts: SplitResult) -> None:
    if parts.scheme in SQLITE:
        _check_sqlite(parts)
    elif parts.scheme in POSTGRESQL:
        _check_postgresql(parts)
    else:
        raise ValueError(
            "must begin with postgresql:// or sqlite:///. Other databases are not supported: "
            "each needs a read-only mode and a time limit of its own"
        )


def _check_sqlite(parts: SplitResult) -> None:
    if parts.netloc or parts.query or parts.fragment or len(parts.path) < 2:
        raise ValueError("must be sqlite:/// and the path of a file below FLAGHOIST_METRICS_FOLDER, without '?' or '#'")


def _check_postgresql(parts: SplitResult) -> None:
    if not _HOST.fullmatch(parts.hostname or "") or not parts.username or len(parts.path) < 2:
        raise ValueError("must name a user, one host and a database, as in postgresql://user@host:5432/database")
    if parts.fragment:
        raise ValueError("must not contain '#'")
    for option, value in parse_qsl(parts.query, keep_blank_values=True):
        if value not in _OPTIONS.get(option, ()):
            raise ValueError("must have no options but sslmode, and sslrootcert=system")
