"""The entry point of the API: settings, routers, middleware and error handlers."""

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from activities.commands.bootstrap import keep_bootstrap_key
from activities.dns import Resolver
from activities.metrics.reader import MetricReader
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from activities.store.database import Database
from activities.store.engines import is_busy
from activities.tracing import Tracer, TracesUnavailable, otlp_tracer
from api import explanations
from api.body_limits import BodyLimits
from api.cors import PathCors
from api.dashboard.changes import ProjectChanges
from api.dashboard.openid import OpenIdConfig
from api.dashboard.pages.openid import CALLBACK
from api.dashboard.router import FORMS, add_dashboard, answer_too_large
from api.dependencies import known_parameters
from api.docs_page import serve_documentation
from api.evaluation import flagsmith, ofrep, stream
from api.evaluation.served_environments import Environments
from api.fresh_flags import FreshFlags
from api.idempotency import replay_answers
from api.openapi_schema import DescribedApi
from api.problems import OUTAGES, answer_problems
from api.prometheus import ApiMetrics
from api.rate_limit import RateLimit
from api.request_middleware import VERSIONED, RequestMiddleware
from api.request_traces import RequestTraces
from api.routes import (
    audit,
    comparison,
    connection,
    controls,
    environments,
    experiments,
    features,
    freezes,
    health,
    keys,
    metrics,
    pipelines,
    projects,
    prometheus,
    releases,
    samples,
    segments,
    simulation,
    sources,
    status,
    stops,
    templates,
    webhooks,
    whoami,
)
from api.routes import codec as temporal_codec
from process_exit import run
from settings import Settings, configure_logs
from workflows.service.client import ReleaseClient
from workflows.service.connection import Connection, CredentialsUnreadable
from workflows.service.credentials import CredentialRenewal
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.temporal_health import TemporalHealth

ROUTERS = (
    projects,
    connection,
    environments,
    comparison,
    features,
    segments,
    sources,
    metrics,
    pipelines,
    simulation,
    templates,
    freezes,
    stops,
    releases,
    samples,
    experiments,
    controls,
    audit,
    webhooks,
    keys,
    whoami,
    status,
)
EVALUATION = (ofrep, flagsmith, stream)
SERVES_FLAGS = (ofrep.PREFIX, flagsmith.PREFIX)
VERSION = "0.2.0"

RETRY_INTERVAL = 2.0
"""In seconds, between attempts to store the bootstrap key."""

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """Create the HTTP API. It starts and answers while Temporal is down. Raises TracesUnavailable."""
    tracer = otlp_tracer("flaghoist-api") if settings.traces == "otlp" else None
    connection = Connection(settings.temporal_api_key_file, settings.codec_keys, tracer=tracer)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database, pool_size=40, traced=tracer is not None)
        storing_key = await _store_bootstrap_key(database, settings.bootstrap_key.get_secret_value())
        app.state.database, app.state.metric_reader = database, _metric_reader(settings, database)
        app.state.releases = ReleaseClient(await connection.connect())
        app.state.outbox_relay = OutboxRelay(database, app.state.releases, settings.public_api, tracer)
        app.state.temporal_health = TemporalHealth(app.state.releases.health)
        app.state.temporal_ui = f"{settings.temporal_ui}/namespaces/{app.state.releases.client.namespace}"
        app.state.fresh_flags = FreshFlags(database, FlagsElsewhere(database, _flag_systems(settings)))
        app.state.metrics.watch(database)
        app.state.environments = Environments(database)
        app.state.project_changes = ProjectChanges(database)
        following = (app.state.environments.follow(), app.state.project_changes.run())
        renewing = CredentialRenewal(app.state.releases, connection).run()
        loops = [asyncio.create_task(each) for each in (app.state.outbox_relay.run(), *following, renewing, storing_key)]
        yield
        await _end(loops)
        app.state.fresh_flags.close()
        await asyncio.to_thread(_close, database, tracer)

    app = DescribedApi(
        title="Flaghoist",
        version=VERSION,
        summary="Moves feature flags through release pipelines.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.metrics = ApiMetrics()
    app.state.rate_limit, app.state.webhooks_allow_private = RateLimit(settings.rate_limit), settings.webhooks_allow_private
    _add_middleware(app, settings, tracer)
    _add_failure_handlers(app)
    _add_routes(app, settings)
    if settings.dashboard:
        add_dashboard(app, _openid_config(settings))
    return app


def _close(database: Database, tracer: Tracer | None) -> None:
    database.close()
    if tracer:
        tracer.close()


async def _end(loops: list[asyncio.Task[None]]) -> None:
    for loop in loops:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


def _flag_systems(settings: Settings) -> FlagSystems:
    resolver = Resolver(allow_private=settings.providers_allow_private)
    return FlagSystems(Sealer(settings.sealing_keys), resolver, settings.flagd_folder, git_author=settings.git_author)


def _metric_reader(settings: Settings, database: Database) -> MetricReader:
    resolver = Resolver(allow_private=settings.metrics_allow_private)
    return MetricReader(database, Sealer(settings.sealing_keys), resolver, settings.metrics_folder)


def _openid_config(settings: Settings) -> OpenIdConfig | None:
    if not settings.oidc_issuer:
        return None
    return OpenIdConfig(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        redirect_uri=f"{settings.public_api}{CALLBACK}",
        scopes=settings.oidc_scopes,
        name_claim=settings.oidc_name_claim,
        groups_claim=settings.oidc_groups_claim,
        grants=settings.oidc_grants,
    )


async def _store_bootstrap_key(database: Database, secret: str) -> Coroutine[None, None, None]:
    """Store the key, or return the retries that remain if the database can't be reached."""
    try:
        await asyncio.to_thread(keep_bootstrap_key, database, secret)
    except OUTAGES as error:
        if database.is_sqlite and not is_busy(error):  # Retrying does not help with a broken file.
            raise
        log.warning("bootstrap_key_failed", error=str(error))
        return _retry_storing(database, secret)
    return asyncio.sleep(0)


async def _retry_storing(database: Database, secret: str) -> None:
    stored = False
    while not stored:
        await asyncio.sleep(RETRY_INTERVAL)
        with suppress(*OUTAGES):
            await asyncio.to_thread(keep_bootstrap_key, database, secret)
            stored = True


def _add_middleware(app: FastAPI, settings: Settings, tracer: Tracer | None) -> None:
    codec = (temporal_codec.PREFIX,) if settings.codec_keys else ()
    if settings.dashboard:
        app.add_middleware(BodyLimits, raw_paths=(*SERVES_FLAGS, *FORMS), answer_too_large=answer_too_large, payload_paths=codec)
    else:
        app.add_middleware(BodyLimits, raw_paths=SERVES_FLAGS, payload_paths=codec)
    app.add_middleware(PathCors, origins=settings.websites, paths=SERVES_FLAGS)
    app.add_middleware(PathCors, origins=[settings.temporal_ui_origin], paths=codec, with_credentials=True)
    app.add_middleware(RequestMiddleware, metrics=app.state.metrics, quiet=SERVES_FLAGS)  # Added late, so outer.
    if tracer:
        app.add_middleware(RequestTraces, tracer=tracer, quiet=SERVES_FLAGS)


def _add_failure_handlers(app: FastAPI) -> None:
    answer_problems(app)
    replay_answers(app)
    ofrep.answer_ofrep_failures(app)
    flagsmith.answer_flagsmith_failures(app)


def _add_routes(app: FastAPI, settings: Settings) -> None:
    for evaluation in EVALUATION:  # First: routes are matched in order, and these are the most frequent.
        app.include_router(evaluation.router)
    versioned = APIRouter(prefix=VERSIONED, dependencies=[Depends(known_parameters)])
    for module in ROUTERS:
        versioned.include_router(module.router)
    app.include_router(versioned)
    app.include_router(health.router)
    app.include_router(prometheus.router)
    app.include_router(explanations.router)
    serve_documentation(app)
    if settings.codec_keys:
        app.include_router(temporal_codec.router)
        app.state.codec_origin = settings.temporal_ui_origin


def _operation_id(route: APIRoute) -> str:
    return route.name


def listen() -> int:
    """Serve the API until the process is signalled. Returns exit code 1 if it could not start."""
    settings = Settings()
    configure_logs(settings)
    try:
        Connection(settings.temporal_api_key_file).load_config()
        app = create_app(settings)
    except (CredentialsUnreadable, TracesUnavailable) as error:
        log.error("api_cannot_start", error=str(error))
        return 1
    gc.freeze()  # A full collection would hold up every request, to look again at a quarter of a million objects that stay.
    config = uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


def main() -> None:
    """Serve the API."""
    run(listen)


if __name__ == "__main__":
    main()
