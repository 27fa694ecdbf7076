"""The worker process: the workflows, activities and loops that it runs, and the task queues that it polls."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from datetime import timedelta
from typing import Any, NamedTuple

import structlog
import uvloop
from temporalio.client import Client
from temporalio.common import MetricMeter, VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.changes import ChangeActivities
from activities.dns import Resolver
from activities.guarding.sampling import Metrics, Sampler
from activities.guarding.shared_metrics import SharedMetrics
from activities.guarding.stage_guard import StageGuard
from activities.http_post import HttpPoster
from activities.metrics.reader import MetricReader
from activities.progress import ReleaseActivities
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from activities.record.worker_metrics import LATENESS, LATENESS_BUCKETS
from activities.rollback import RollbackActivities
from activities.store.database import Database
from activities.store.engines import is_sqlite
from activities.tracing import Tracer, TracesUnavailable, otlp_tracer
from activities.watch import WatchActivities
from activities.webhooks import DeliveryActivities
from domain.webhooks.webhook import RetryPolicy
from process_exit import run
from settings import Settings, configure_logs
from workflows.messages import TASK_QUEUE, WATCH_QUEUE, WEBHOOK_QUEUE
from workflows.policies import WATCH_HEARTBEAT
from workflows.release import ReleaseWorkflow
from workflows.rollback import RollbackWorkflow
from workflows.service.client import ReleaseClient
from workflows.service.clock_listener import hear_clock
from workflows.service.connection import Connection
from workflows.service.credentials import CredentialRenewal
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.reconciler import Reconciler
from workflows.service.settler import Settler
from workflows.service.startup import WorkerCannotStart, connect_worker
from workflows.service.thinner import Thinner
from workflows.service.watch_keeper import WatchKeeper
from workflows.service.webhook_dispatcher import WebhookDispatcher
from workflows.service.worker_health import WorkerHealth, serving_health
from workflows.service.worker_pools import LOOP_THREADS, SOURCE_THREADS, WATCH_SLOTS, WEBHOOK_SLOTS, WorkerPools, pools_for
from workflows.webhook import WebhookWorkflow

log = structlog.get_logger()

GRACE = timedelta(seconds=25)
"""The time that a change in progress has to finish after the worker was asked to stop."""

SWITCH_SECONDS = 0.0005
"""The time after which a thread lets others run, so that the event loop waits less for changes. See docs/performance.md."""


def runtime_serving_metrics(address: str) -> Runtime:
    """Return a Temporal runtime with an endpoint for Prometheus. It serves the SDK's metrics and, through its meter, ours."""
    prometheus = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides={LATENESS: LATENESS_BUCKETS},
    )
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus, attach_service_name=False))


def worker_options(threads: ThreadPoolExecutor, pools: WorkerPools) -> dict[str, Any]:
    """Return the options of workers that run releases."""
    return {
        "activity_executor": threads,
        "max_concurrent_activities": pools.changes,
        "max_concurrent_local_activities": pools.local_activities,
        "max_concurrent_workflow_tasks": pools.workflow_tasks,
        "workflow_runner": UnsandboxedWorkflowRunner(),  # Replay tests run in the sandbox: see docs/decisions/0025.
        "workflow_task_poller_behavior": PollerBehaviorAutoscaling(),
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
        "graceful_shutdown_timeout": GRACE,
    }


class Outside(NamedTuple):
    """The systems outside that activities call: other flag systems, and the sources of metrics."""

    systems: FlagSystems
    metrics: Metrics


class Telemetry(NamedTuple):
    """The receivers of our own measurements: metrics, and traces if they are on."""

    meter: MetricMeter
    tracer: Tracer | None


def outside_without_settings(database: Database) -> Outside:
    """Return systems that can be reached without any setting: those without credentials at public addresses."""
    sealer, resolver = Sealer(), Resolver(allow_private=False)
    return Outside(FlagSystems(sealer, resolver), MetricReader(database, sealer, resolver))


def build_worker(
    client: Client,
    database: Database,
    threads: ThreadPoolExecutor,
    pools: WorkerPools,
    meter: MetricMeter = MetricMeter.noop,
    outside: Outside | None = None,
    **options: Any,
) -> Worker:
    """Return the worker that runs releases and rollbacks, with further options of `Worker` in `options`."""
    outside = outside or outside_without_settings(database)
    elsewhere, guard = FlagsElsewhere(database, outside.systems), StageGuard(database, Sampler(outside.metrics))
    changes = ChangeActivities(database, elsewhere, guard, meter, pools.local_changes)
    releases, rollbacks = ReleaseActivities(database, guard), RollbackActivities(database, elsewhere)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[ReleaseWorkflow, RollbackWorkflow],
        activities=[changes.change_flag, rollbacks.put_back, releases.record_progress, releases.read_standing],
        **worker_options(threads, pools),
        **options,
    )


def build_watches(database: Database, threads: ThreadPoolExecutor, metrics: Metrics, on_decision: Callable[[], None]) -> WatchActivities:
    """Return the watches of this process."""
    return WatchActivities(database, Sampler(SharedMetrics(metrics)), threads, on_decision)


def build_watch_worker(client: Client, watches: WatchActivities, **options: Any) -> Worker:
    """Return the worker that watches stages. A watch takes a slot, and no thread but for its questions, for as long as it lasts."""
    return Worker(
        client,
        task_queue=WATCH_QUEUE,
        activities=[watches.watch_stage],
        max_concurrent_activities=WATCH_SLOTS,
        max_heartbeat_throttle_interval=WATCH_HEARTBEAT,
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=GRACE,
        **options,
    )


def build_webhook_worker(
    client: Client,
    database: Database,
    threads: ThreadPoolExecutor,
    poster: HttpPoster,
    retry_policy: RetryPolicy | None = None,
    **options: Any,
) -> Worker:
    """Return the worker that delivers to webhooks. It has its own slots and threads, so that slow receivers never delay releases."""
    deliveries = DeliveryActivities(database, poster, retry_policy)
    return Worker(
        client,
        task_queue=WEBHOOK_QUEUE,
        workflows=[WebhookWorkflow],
        activities=[deliveries.deliver_notices],
        activity_executor=threads,
        max_concurrent_activities=WEBHOOK_SLOTS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=GRACE,
        **options,
    )


def versioned_by(deployment: str, build: str) -> dict[str, Any]:
    """Return the options of versioned workers, or none without a deployment. Releases move to the current version as they progress."""
    if not deployment:
        return {}
    version = WorkerDeploymentVersion(deployment_name=deployment, build_id=build)
    behavior = VersioningBehavior.AUTO_UPGRADE
    config = WorkerDeploymentConfig(version=version, use_worker_versioning=True, default_versioning_behavior=behavior)
    return {"deployment_config": config}


async def serve(settings: Settings) -> None:
    """Run until a signal arrives. Let changes in progress finish before returning."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    runtime = runtime_serving_metrics(settings.worker_metrics) if settings.worker_metrics else None
    health = WorkerHealth()
    with serving_health(settings.worker_health, health) if settings.worker_health else nullcontext():
        tracer = otlp_tracer("flaghoist-worker") if settings.traces == "otlp" else None
        connection = Connection(settings.temporal_api_key_file, settings.codec_keys, runtime, tracer)
        if client := await connect_worker(stop, connection):
            await _run(settings, client, stop, health, connection)
        if tracer:
            await asyncio.to_thread(tracer.close)


async def _run(settings: Settings, client: Client, stop: asyncio.Event, health: WorkerHealth, connection: Connection) -> None:
    telemetry = Telemetry(connection.runtime.metric_meter if connection.runtime else MetricMeter.noop, connection.tracer)
    pools = pools_for(settings.worker_threads, is_sqlite=is_sqlite(settings.database))
    database, releases = Database(settings.database, pools.connections, traced=telemetry.tracer is not None), ReleaseClient(client)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(LOOP_THREADS))
    resolver = Resolver(allow_private=settings.providers_allow_private)
    systems = FlagSystems(Sealer(settings.sealing_keys), resolver, settings.flagd_folder, git_author=settings.git_author)
    with (
        closing(systems),
        ThreadPoolExecutor(pools.threads) as threads,
        ThreadPoolExecutor(WEBHOOK_SLOTS) as webhook_threads,
        ThreadPoolExecutor(SOURCE_THREADS) as source_threads,
    ):
        poster = HttpPoster(allow_private=settings.webhooks_allow_private)
        metrics = MetricReader(
            database, Sealer(settings.sealing_keys), Resolver(allow_private=settings.metrics_allow_private), settings.metrics_folder
        )
        relay = OutboxRelay(database, releases, settings.public_api, telemetry.tracer)
        watches = build_watches(database, source_threads, metrics, relay.wake)
        versioning = versioned_by(settings.deployment_name, settings.build_id)
        workers = [
            build_worker(client, database, threads, pools, telemetry.meter, Outside(systems, metrics), **versioning),
            build_watch_worker(client, watches, **versioning),
            build_webhook_worker(client, database, webhook_threads, poster, **versioning),
        ]
        loops = [
            asyncio.create_task(WebhookDispatcher(database, releases).run()),
            asyncio.create_task(relay.run()),
            asyncio.create_task(Reconciler(database, releases, timedelta(seconds=settings.reconcile_seconds)).run()),
            asyncio.create_task(Settler(database, FlagsElsewhere(database, systems)).run()),
            asyncio.create_task(Thinner(database).run()),
            asyncio.create_task(WatchKeeper(database, watches).run()),
            asyncio.create_task(CredentialRenewal(releases, connection, workers).run()),
            asyncio.create_task(health.watch(releases)),
            asyncio.create_task(hear_clock(releases, watches, await releases.health())),
        ]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        log.info("worker_started", task_queue=TASK_QUEUE, concurrency=pools.changes)
        await asyncio.wait([*running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*(worker.shutdown() for worker in workers if worker.is_running))
        await asyncio.gather(*running)
    log.info("worker_stopped")


def work() -> int:
    """Run a worker until a signal arrives, and return the exit code: 1 if it can't work as it is configured."""
    settings = Settings()
    configure_logs(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # A full collection would hold up every task, to look again at all that the imports made.
    try:
        uvloop.run(serve(settings))
    except (TracesUnavailable, WorkerCannotStart) as error:
        log.error("worker_cannot_start", error=str(error))
        return 1
    return 0


def main() -> None:
    """Run a worker. Exit code 1 on a fatal error."""
    run(work, report_failure=lambda: log.exception("worker_failed"))


if __name__ == "__main__":
    main()
