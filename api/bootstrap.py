"""The process that prepares a deployment: `python -m api.bootstrap SECONDS [DEFAULT_RETENTION]`."""

import asyncio
import sys
from datetime import timedelta

from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from activities.commands.bootstrap import keep_bootstrap_key
from activities.store.database import Database
from api.embedded.errors import CannotStart
from api.embedded.schema import prepare_database
from domain.duration import parse_duration, speak_duration
from process_exit import run
from settings import Settings
from workflows.service.client import TemporalUnavailable
from workflows.service.connection import Connection
from workflows.service.namespace import DEFAULT_RETENTION, Namespace, ensure_namespace


def bootstrap(settings: Settings, wait: timedelta, retention: timedelta | None) -> Namespace:
    """Prepare the Temporal namespace and the database for workers and the API. Raises CannotStart.

    Doing this twice is the same as doing it once.
    """
    try:
        namespace = asyncio.run(ensure_namespace(wait, retention, Connection(settings.temporal_api_key_file)))
    except TemporalUnavailable as error:
        message = f"Temporal can't be prepared: {str(error).rstrip('.')}. Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE."
        raise CannotStart(message) from error
    prepare_database(settings)
    _store_key(settings)
    return namespace


def _store_key(settings: Settings) -> None:
    database = Database(settings.database)
    try:
        keep_bootstrap_key(database, settings.bootstrap_key.get_secret_value())
    except ValueError as error:
        raise CannotStart(str(error)) from error
    except SQLAlchemyError as error:
        raise CannotStart(f"The bootstrap key can't be stored: {error}") from error
    finally:
        database.close()


def _report(namespace: Namespace, settings: Settings) -> list[str]:
    state = "was created" if namespace.is_new else "already existed"
    retention = speak_duration(namespace.retention)
    lines = [f"The namespace {namespace.name} {state}, has the search attributes, and keeps closed workflows for {retention}."]
    if namespace.retention < DEFAULT_RETENTION:
        lines.append(f"This is a short history: use `flaghoist bootstrap --retention {DEFAULT_RETENTION.days}d` to keep them longer.")
    lines.append("The database has the schema of this version.")
    lines.append("The bootstrap key is stored." if settings.bootstrap_key.get_secret_value() else "FLAGHOIST_BOOTSTRAP_KEY is not set.")
    return lines


def prepare() -> int:
    """Prepare the deployment in the settings. Returns exit code 1 if that fails."""
    wait, *retention = sys.argv[1:]
    settings = Settings()
    try:
        namespace = bootstrap(settings, timedelta(seconds=float(wait)), parse_duration(retention[0]) if retention else None)
    except CannotStart as reason:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(str(reason))
        return 1
    Console(highlight=False, markup=False, soft_wrap=True).print("\n".join(_report(namespace, settings)))
    return 0


def main() -> None:
    """Prepare a deployment."""
    run(prepare)


if __name__ == "__main__":
    main()
