"""The worker process: the workflows, activities and loops that it runs, and the task queues that it polls."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from activities.changes import ChangeActivities
from activities.http_post import HttpPoster
from activities.progress import ReleaseActivities
from activities.record.worker_metrics import LATENESS, LATENESS_BUCKETS
from activities.rollback import RollbackActivities
from activities.store.database import Database
from activities.webhooks import DeliveryActivities
from domain.webhooks.webhook import RetryPolicy
from process_exit import run
from settings import Settings, configure_logs
from workflows.messages import TASK_QUEUE, WEBHOOK_QUEUE
from workflows.release import ReleaseWorkflow
from workflows.rollback import RollbackWorkflow
from workflows.service.client import ReleaseClient, connect
from workflows.service.namespace import register_search_attributes
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.reconciler import Reconciler
from workflows.service.webhook_dispatcher import WebhookDispatcher
from workflows.webhook import WebhookWorkflow

log = structlog.get_logger()

GRACE = timedelta(seconds=25)
"""The time that a change in progress has to finish after the worker was asked to stop."""

WEBHOOK_SLOTS = 8
"""The number of webhooks that a worker delivers to at the same time."""


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


def concurrency_of(settings: Settings, database: Database) -> int:
    """Return the number of activities that run at the same time. SQLite gets few: it allows one writer at a time."""
    return settings.worker_threads or (4 if database.is_sqlite else 20)


def worker_options(threads: ThreadPoolExecutor, concurrency: int) -> dict[str, Any]:
    """Return the options of workers that run releases."""
    return {
        "activity_executor": threads,
        "max_concurrent_activities": concurrency,
        "max_concurrent_local_activities": concurrency,
        "workflow_runner": UnsandboxedWorkflowRunner(),  # Replay tests run in the sandbox: see docs/decisions/0025.
        "workflow_task_poller_behavior": PollerBehaviorAutoscaling(),
        "activity_task_poller_behavior": PollerBehaviorAutoscaling(),
        "graceful_shutdown_timeout": GRACE,
    }


def build_worker(
    client: Client,
    database: Database,
    threads: ThreadPoolExecutor,
    concurrency: int,
    meter: MetricMeter = MetricMeter.noop,
    **options: Any,
) -> Worker:
    """Return the worker that runs releases and rollbacks, with further options of `Worker` in `options`."""
    changes, releases, rollbacks = ChangeActivities(database, meter), ReleaseActivities(database), RollbackActivities(database)
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[ReleaseWorkflow, RollbackWorkflow],
        activities=[changes.change_flag, rollbacks.put_back, releases.record_progress, releases.read_standing],
        **worker_options(threads, concurrency),
        **options,
    )


def build_webhook_worker(
    client: Client, database: Database, threads: ThreadPoolExecutor, poster: HttpPoster, retry_policy: RetryPolicy | None = None
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
    )


async def serve(settings: Settings) -> None:
    """Run until a signal arrives. Let changes in progress finish before returning."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    database = Database(settings.database)
    concurrency = concurrency_of(settings, database)
    runtime = runtime_serving_metrics(settings.worker_metrics) if settings.worker_metrics else None
    client = await _connect(stop, runtime)
    if client is None:
        return
    releases = ReleaseClient(client)
    with ThreadPoolExecutor(concurrency) as threads, ThreadPoolExecutor(WEBHOOK_SLOTS) as webhook_threads:
        meter = runtime.metric_meter if runtime else MetricMeter.noop
        poster = HttpPoster(allow_private=settings.webhooks_allow_private)
        workers = [
            build_worker(client, database, threads, concurrency, meter),
            build_webhook_worker(client, database, webhook_threads, poster),
        ]
        loops = [
            asyncio.create_task(WebhookDispatcher(database, client).run()),
            asyncio.create_task(OutboxRelay(database, releases, settings.public_api).run()),
            asyncio.create_task(Reconciler(database, releases, timedelta(seconds=settings.reconcile_seconds)).run()),
        ]
        running = [asyncio.create_task(worker.run()) for worker in workers]
        log.info("worker_started", task_queue=TASK_QUEUE, concurrency=concurrency)
        await asyncio.wait([*running, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*(worker.shutdown() for worker in workers if worker.is_running))
        await asyncio.gather(*running)
    log.info("worker_stopped")


async def _connect(stop: asyncio.Event, runtime: Runtime | None) -> Client | None:
    """Wait for Temporal and register the search attributes. Return None if stopped while waiting."""
    while not stop.is_set():
        try:
            client = await connect(lazy=False, runtime=runtime)
            await register_search_attributes(client)
            return client
        except Exception as error:
            log.warning("temporal_not_ready", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 2)
    return None


def work() -> int:
    """Run a worker until a signal arrives, and return the exit code."""
    settings = Settings()
    configure_logs(settings)
    asyncio.run(serve(settings))
    return 0


def main() -> None:
    """Run a worker. Exit code 1 on a fatal error."""
    run(work, report_failure=lambda: log.exception("worker_failed"))


if __name__ == "__main__":
    main()
