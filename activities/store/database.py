"""The database. `transaction()` is the only way to write."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from activities.store.accounts import AccountRepository
from activities.store.acting import ActingReleases
from activities.store.approvals import ApprovalRepository
from activities.store.audit import AuditLog
from activities.store.connections import ConnectionRepository
from activities.store.deliveries import DeliveryRepository
from activities.store.engines import BEGIN, engine_for, is_sqlite
from activities.store.environment_keys import EnvironmentKeyRepository
from activities.store.environment_versions import EnvironmentVersions
from activities.store.evidence import EvidenceRepository
from activities.store.experiments import ExperimentRepository
from activities.store.features import FeatureRepository
from activities.store.freezes import FreezeRepository
from activities.store.identities import IdentityRepository
from activities.store.intents import IntentRepository
from activities.store.keys import KeyRepository
from activities.store.leases import LeaseRepository
from activities.store.metric_sources import MetricSourceRepository
from activities.store.metrics import MetricRepository
from activities.store.outbox import Outbox
from activities.store.pipelines import PipelineRepository
from activities.store.projects import EnvironmentRepository, ProjectRepository, SegmentRepository
from activities.store.release_history import ReleaseHistory
from activities.store.releases import ReleaseRepository
from activities.store.requests import RequestRepository
from activities.store.sessions import SessionRepository
from activities.store.stops import StopRepository
from activities.store.system_names import SystemNames
from activities.store.timeouts import TURN_TIMEOUT
from activities.store.traced import trace_statements
from activities.store.watchers import WatcherRepository
from activities.store.webhook_events import WebhookOutbox
from activities.store.webhooks import WebhookRepository
from activities.store.writer_queue import WriterQueue
from activities.tracing import span


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
    def metric_sources(self) -> MetricSourceRepository:
        """Metric sources."""
        return MetricSourceRepository(self.connection)

    @cached_property
    def metrics(self) -> MetricRepository:
        """Metrics."""
        return MetricRepository(self.connection)

    @cached_property
    def system_names(self) -> SystemNames:
        """Names in other flag systems."""
        return SystemNames(self.connection)

    @cached_property
    def intents(self) -> IntentRepository:
        """Changes under way in other flag systems."""
        return IntentRepository(self.connection)

    @cached_property
    def evidence(self) -> EvidenceRepository:
        """Samples of guardrails and gates."""
        return EvidenceRepository(self.connection)

    @cached_property
    def watchers(self) -> WatcherRepository:
        """The workers that watch stages."""
        return WatcherRepository(self.connection)

    @cached_property
    def experiments(self) -> ExperimentRepository:
        """Looks and decisions of experiments."""
        return ExperimentRepository(self.connection)

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

    def __init__(self, url: str, pool_size: int = 20, *, traced: bool = False) -> None:
        self.url = make_url(url)
        self.engine = engine_for(self.url, pool_size)
        if traced:
            trace_statements(self.engine)
        self.writers = WriterQueue()
        self._on_change: list[Callable[[frozenset[str]], None]] = []

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
        with span("transaction"), self._in_turn(), self.engine.begin() as connection:
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
        options = {BEGIN: "BEGIN"} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield Store(connection)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
