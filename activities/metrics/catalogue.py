"""The adapter of each source: the one module that knows them by name."""

import ssl
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr
from sqlalchemy.engine import make_url

from activities.dns import Resolver
from activities.metrics.adapter import CannotTell, MetricAdapter
from activities.metrics.http_calls import HttpCalls
from activities.metrics.http_json import HttpSource
from activities.metrics.postgresql import addresses_of, postgresql_reader, remedy
from activities.metrics.prometheus import PrometheusSource
from activities.metrics.sql import SqlSource
from activities.metrics.sqlite import file_within, sqlite_reader
from domain.errors import AddressRefused, Invalid, Problem
from domain.metrics.source import MetricSource, SourceKind
from domain.webhooks.address import target_of


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
        case SourceKind.SQL if source.is_sqlite:
            return SqlSource(sqlite_reader(source.address, reach.sql_folder))
        case SourceKind.SQL:
            return SqlSource(postgresql_reader(source.address, credential, reach.resolver))


def open_http(source: MetricSource, credential: SecretStr | None, reach: Reach) -> HttpSource:
    """Return the adapter of an HTTP source, which can also be asked whether a stage may act."""
    return HttpSource(HttpCalls(source, credential, reach.resolver, reach.trusted))


def check_reachable(source: MetricSource, reach: Reach) -> None:
    """Raise Invalid, which points at the address, if it must not be called. Makes no call."""
    try:
        if source.kind.is_over_http:
            reach.resolver.resolve(target_of(source.address, allow_private=reach.resolver.allow_private))
        elif source.is_sqlite:
            file_within(reach.sql_folder, source.address)
        else:
            addresses_of(make_url(source.address), reach.resolver)
    except (AddressRefused, CannotTell) as reason:
        if isinstance(reason, CannotTell) and reason.code == "source_down":
            return  # The file does not exist yet.
        message = reason.message + (remedy(reach.resolver) if isinstance(reason, AddressRefused) else "")
        raise Invalid(message, problems=(Problem(pointer="/address", code=AddressRefused.code(), message=message),)) from None
