"""The adapter of each source: the one module that knows them by name."""

import ssl
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from activities.dns import Resolver
from activities.metrics.adapter import MetricAdapter
from activities.metrics.http_calls import HttpCalls
from activities.metrics.http_json import HttpSource
from activities.metrics.postgresql import postgresql_reader
from activities.metrics.prometheus import PrometheusSource
from activities.metrics.sql import SqlSource
from activities.metrics.sqlite import sqlite_reader
from domain.metrics.source import MetricSource, SourceKind


class Reach(NamedTuple):
    """The limits of sources: addresses, certificates, and the folder that has SQLite files."""

    resolver: Resolver
    trusted: ssl.SSLContext
    sql_folder: Path | None = None


def open_source(source: MetricSource, credential: SecretStr | None, reach: Reach) -> MetricAdapter:
    """Return the adapter of a source, without a call to it."""
    match source.kind:
        case SourceKind.PROMETHEUS:
            return PrometheusSource(HttpCalls(source, credential, reach.resolver, reach.trusted))
        case SourceKind.HTTP:
            return open_http(source, credential, reach)
        case SourceKind.SQL if source.address.startswith("sqlite:"):
            return SqlSource(sqlite_reader(source.address, reach.sql_folder))
        case SourceKind.SQL:
            return SqlSource(postgresql_reader(source.address, credential, reach.resolver))


def open_http(source: MetricSource, credential: SecretStr | None, reach: Reach) -> HttpSource:
    """Return the adapter of an HTTP source, which can also be asked whether a stage may act."""
    return HttpSource(HttpCalls(source, credential, reach.resolver, reach.trusted))
