"""Preparing a deployment, as a process: `python -m api.bootstrap SECONDS [RETENTION]`."""

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
from workflows.service.namespace import DEFAULT_RETENTION, Namespace, ensure_namespace


def bootstrap(settings: Settings, wait: timedelta, retention: timedelta | None) -> Namespace:
    """Make Temporal's namespace and the database ready for workers and API. Raises CannotStart.

    Doing this twice is the same as doing it once.
    """
    try:
        namespace = asyncio.run(ensure_namespace(wait, retention))
    except TemporalUnavailable as error:
        message = f"Temporal can't be prepared: {error}. TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where it is looked for."
        raise CannotStart(message) from error
    prepare_database(settings)
    _keep_key(settings)
    return namespace


def _keep_key(settings: Settings) -> None:
    database = Database(settings.database)
    try:
        keep_bootstrap_key(database, settings.bootstrap_key.get_secret_value())
    except ValueError as error:
        raise CannotStart(str(error)) from error
    except SQLAlchemyError as error:
        raise CannotStart(f"The bootstrap key can't be kept: {error}") from error
    finally:
        database.close()


def _said(namespace: Namespace, settings: Settings) -> list[str]:
    known = "was made" if namespace.is_new else "was there already"
    kept = speak_duration(namespace.retention)
    lines = [f"The namespace {namespace.name} {known}, has the search attributes, and keeps ended workflows for {kept}."]
    if namespace.retention < DEFAULT_RETENTION:
        lines.append(f"That is short for looking back: `flaghoist bootstrap --retention {DEFAULT_RETENTION.days}d` keeps them longer.")
    lines.append("The database has this version's schema.")
    lines.append("The bootstrap key is kept." if settings.bootstrap_key.get_secret_value() else "No FLAGHOIST_BOOTSTRAP_KEY was given.")
    return lines


def prepare() -> int:
    """Prepare what the settings name; exit code 1 when it can't be."""
    wait, *retention = sys.argv[1:]
    settings = Settings()
    try:
        namespace = bootstrap(settings, timedelta(seconds=float(wait)), parse_duration(retention[0]) if retention else None)
    except CannotStart as reason:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(str(reason))
        return 1
    Console(highlight=False, markup=False, soft_wrap=True).print("\n".join(_said(namespace, settings)))
    return 0


def main() -> None:
    """Prepare a deployment."""
    run(prepare)


if __name__ == "__main__":
    main()
