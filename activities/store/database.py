"""The database. `transaction()` is the only way to write."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

from psycopg.errors import InternalError_, ReadOnlySqlTransaction
from sqlalchemy import Connection, ExceptionContext, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from activities.store.accounts import AccountRepository
from activities.store.acting import ActingReleases
from activities.store.approvals import ApprovalRepository
from activities.store.audit import AuditLog
from activities.store.connections import ConnectionRepository
from activities.store.deliveries import DeliveryRepository
from activities.store.environment_keys import EnvironmentKeyRepository
from activities.store.environment_versions import EnvironmentVersions
from activities.store.features import FeatureRepository
from activities.store.freezes import FreezeRepository
from activities.store.identities import IdentityRepository
from activities.store.intents import IntentRepository
from activities.store.keys import KeyRepository
from activities.store.leases import LeaseRepository
from activities.store.outbox import Outbox
from activities.store.pipelines import PipelineRepository
from activities.store.projects import EnvironmentRepository, ProjectRepository, SegmentRepository
from activities.store.release_history import ReleaseHistory
from activities.store.releases import ReleaseRepository
from activities.store.requests import RequestRepository
from activities.store.sessions import SessionRepository
from activities.store.stops import StopRepository
from activities.store.system_names import SystemNames
from activities.store.timeouts import (
    CONNECT_TIMEOUT,
    IDLE_TIMEOUT,
    LOCK_TIMEOUT,
    POOL_TIMEOUT,
    SQLITE_LOCK_TIMEOUT,
    STATEMENT_TIMEOUT,
    TURN_TIMEOUT,
    BoundedConnection,
)
from activities.store.webhook_events import WebhookOutbox
from activities.store.webhooks import WebhookRepository
from activities.store.writer_queue import WriterQueue

_BEGIN = "flaghoist_begin"
_POSTGRESQL = " ".join(
    f"-c {parameter}"
    for parameter in (
        "jit=off",  # It costs short queries more than it saves.
        f"statement_timeout={STATEMENT_TIMEOUT}s",
        f"lock_timeout={LOCK_TIMEOUT}s",
        f"idle_in_transaction_session_timeout={IDLE_TIMEOUT}s",
    )
)


class Store:
    """All repositories, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.versions = EnvironmentVersions(connection)

    @property
    def locks_rows(self) -> bool:
        """True if a row can be locked. SQLite has one writer at a time instead."""
        return self.connection.dialect.name != "sqlite"

    def flush(self) -> frozenset[str]:
        """Write what is written last, and return the ids of the environments that applications see differently."""
        self.audit.flush()
        return self.versions.raise_touched()

    @cached_property
    def projects(self) -> ProjectRepository:
        """Projects."""
        return ProjectRepository(self.connection, self.versions)

    @cached_property
    def environments(self) -> EnvironmentRepository:
        """Environments."""
        return EnvironmentRepository(self.connection, self.versions)

    @cached_property
    def environment_keys(self) -> EnvironmentKeyRepository:
        """The keys of environments."""
        return EnvironmentKeyRepository(self.connection, self.versions)

    @cached_property
    def identities(self) -> IdentityRepository:
        """The traits of identities."""
        return IdentityRepository(self.connection)

    @cached_property
    def segments(self) -> SegmentRepository:
        """Segments."""
        return SegmentRepository(self.connection, self.versions)

    @cached_property
    def features(self) -> FeatureRepository:
        """Features and their states."""
        return FeatureRepository(self.connection, self.versions)

    @cached_property
    def pipelines(self) -> PipelineRepository:
        """Pipeline versions."""
        return PipelineRepository(self.connection)

    @cached_property
    def approvals(self) -> ApprovalRepository:
        """Approvals."""
        return ApprovalRepository(self.connection)

    @cached_property
    def freezes(self) -> FreezeRepository:
        """Freezes."""
        return FreezeRepository(self.connection)

    @cached_property
    def stops(self) -> StopRepository:
        """Stops."""
        return StopRepository(self.connection)

    @cached_property
    def releases(self) -> ReleaseRepository:
        """Releases."""
        return ReleaseRepository(self.connection)

    @cached_property
    def acting(self) -> ActingReleases:
        """Releases that are about to act."""
        return ActingReleases(self.connection)

    @cached_property
    def history(self) -> ReleaseHistory:
        """Visits and changes."""
        return ReleaseHistory(self.connection)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log."""
        return AuditLog(self.connection, self.webhook_outbox)

    @cached_property
    def webhook_outbox(self) -> WebhookOutbox:
        """New webhook deliveries."""
        return WebhookOutbox(self.connection)

    @cached_property
    def webhooks(self) -> WebhookRepository:
        """Webhooks."""
        return WebhookRepository(self.connection)

    @cached_property
    def deliveries(self) -> DeliveryRepository:
        """Webhook deliveries and their attempts."""
        return DeliveryRepository(self.connection)

    @cached_property
    def connections(self) -> ConnectionRepository:
        """Connections to other flag systems."""
        return ConnectionRepository(self.connection)

    @cached_property
    def system_names(self) -> SystemNames:
        """Names in other flag systems."""
        return SystemNames(self.connection)

    @cached_property
    def intents(self) -> IntentRepository:
        """Changes under way in other flag systems."""
        return IntentRepository(self.connection)

    @cached_property
    def keys(self) -> KeyRepository:
        """API keys and owners."""
        return KeyRepository(self.connection)

    @cached_property
    def sessions(self) -> SessionRepository:
        """Sessions of the dashboard."""
        return SessionRepository(self.connection)

    @cached_property
    def accounts(self) -> AccountRepository:
        """Accounts at the identity provider, and sign-ins there."""
        return AccountRepository(self.connection)

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox for Temporal."""
        return Outbox(self.connection)

    @cached_property
    def requests(self) -> RequestRepository:
        """Idempotent requests."""
        return RequestRepository(self.connection)

    @cached_property
    def leases(self) -> LeaseRepository:
        """Leases."""
        return LeaseRepository(self.connection)


class Database:
    """A pool of connections to SQLite or PostgreSQL."""

    def __init__(self, url: str, pool_size: int = 20) -> None:
        self.url = make_url(url)
        self.engine = create_engine(
            self.url, pool_size=pool_size, max_overflow=0, pool_timeout=POOL_TIMEOUT, hide_parameters=True, **_options(self.url)
        )
        event.listen(self.engine, "handle_error", _treat_as_outage)
        self.writers = WriterQueue()
        self._on_change: list[Callable[[frozenset[str]], None]] = []
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "do_connect", _connect_to_postgresql)
            event.listen(self.engine, "checkin", _forget_access_mode)

    @property
    def is_sqlite(self) -> bool:
        """True on SQLite."""
        return is_sqlite(self.url)

    def on_change(self, callback: Callable[[frozenset[str]], None]) -> None:
        """Call back with the ids of the environments that applications see differently, after each commit of this process.

        The callback runs on the committing thread, before `transaction()` returns.
        """
        self._on_change.append(callback)

    @contextmanager
    def transaction(self) -> Iterator[Store]:
        """One transaction: commits at the end, rolls back on an exception. No other code commits."""
        with self._in_turn(), self.engine.begin() as connection:
            store = Store(connection)
            yield store
            changed = store.flush()
        if changed:
            for callback in self._on_change:
                callback(changed)

    def _in_turn(self) -> AbstractContextManager[None]:
        """Queue this process's writers on SQLite, whose own waiting polls and lets some writers overtake others for seconds."""
        return self.writers.turn(TURN_TIMEOUT) if self.is_sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """A consistent read-only snapshot."""
        options = {_BEGIN: "BEGIN"} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield Store(connection)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def is_sqlite(url: str | URL) -> bool:
    """True for the URL of a SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def is_busy(error: BaseException) -> bool:
    """True if SQLite gave up because another process was writing."""
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _options(url: URL) -> dict[str, Any]:
    if is_sqlite(url):
        return {"connect_args": {"timeout": SQLITE_LOCK_TIMEOUT, "check_same_thread": False}}
    return {"pool_pre_ping": True, "connect_args": {"options": _POSTGRESQL, "connect_timeout": CONNECT_TIMEOUT}}


def _treat_as_outage(failure: ExceptionContext) -> OperationalError | None:
    """Treat a server that cannot write, such as a standby or one with a full disk, as unavailable, and drop its connections."""
    if not isinstance(failure.original_exception, ReadOnlySqlTransaction | InternalError_):
        return None
    failure.is_disconnect = True
    return OperationalError(failure.statement, None, failure.original_exception, hide_parameters=True)


def _connect_to_postgresql(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> BoundedConnection:
    return BoundedConnection.connect(*arguments, **options)


def _forget_access_mode(connection: Any, _record: Any) -> None:
    """Begin the next transaction in the server's own mode.

    After a read-only transaction, SQLAlchemy would begin it as READ WRITE, which a standby rejects with an error of its own.
    """
    if connection is not None:
        connection.read_only = None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Begin transactions explicitly: the driver's implicit BEGIN silently loses updates."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))
