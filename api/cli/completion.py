"""Shell completion of values: keys and ids from the API, or nothing if it does not answer within a second."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from api.cli.api_target import ApiTarget
from api.cli.lazy import LazyModule
from domain.releases.status import status_in_words

if TYPE_CHECKING:
    from api import client
    from domain import audit
    from domain.webhooks import event
else:
    client, audit, event = map(LazyModule, ("api.client", "domain.audit", "domain.webhooks.event"))

TIMEOUT = 1.0
MAX_OFFERS = 200

Offers = list[tuple[str, str]]
"""Values, each with its help text."""


def offer_projects(context: typer.Context, incomplete: str) -> Offers:
    """Offer the keys of the projects visible to the API key."""
    return _offer(context, incomplete, ["projects"], _key_and_name)


def offer_keys(collection: str) -> Callable[[typer.Context, str], Offers]:
    """Return a function that offers the keys of the typed project's environments, features, segments or pipelines."""

    def offer(context: typer.Context, incomplete: str) -> Offers:
        return _offer(context, incomplete, _in_project(context, collection), _key_and_name)

    return offer


def offer_releases(context: typer.Context, incomplete: str) -> Offers:
    """Offer the ids of the typed project's newest releases."""
    return _offer(context, incomplete, _in_project(context, "releases"), _id_and_status)


def offer_api_keys(context: typer.Context, incomplete: str) -> Offers:
    """Offer the ids of API keys."""
    return _offer(context, incomplete, ["keys"], lambda key: (key["id"], f"{key['name']} of {key['owner']['name']}"))


def offer_webhooks(context: typer.Context, incomplete: str) -> Offers:
    """Offer the ids of the typed project's webhooks."""
    return _offer(context, incomplete, _in_project(context, "webhooks"), lambda webhook: (webhook["id"], webhook["name"]))


def offer_webhook_events(incomplete: str) -> list[str]:
    """Offer the names of webhook events."""
    return [name for name in event.WebhookEvent if name.startswith(incomplete)]


def offer_audit_events(incomplete: str) -> list[str]:
    """Offer the names of audit events."""
    return [name for name in audit.AuditEvent if name.startswith(incomplete)]


def _in_project(context: typer.Context, collection: str) -> list[str]:
    return ["projects", context.params.get("project") or "", collection]


def _offer(context: typer.Context, incomplete: str, path: list[str], describe: Callable[[dict[str, Any]], tuple[str, str]]) -> Offers:
    typed = context.find_root().params
    try:
        with ApiTarget(typed.get("url") or "", typed.get("key") or "").resolved().connect(TIMEOUT) as api:
            found = dict(map(describe, client.first(MAX_OFFERS, api.items(client.path_of(*path), limit=MAX_OFFERS))))
    except Exception:  # Completion must print nothing. The command itself reports any problem.
        return []
    return [(value, help_text) for value, help_text in found.items() if value.startswith(incomplete)]


def _key_and_name(item: dict[str, Any]) -> tuple[str, str]:
    return item["key"], item["name"]


def _id_and_status(release: dict[str, Any]) -> tuple[str, str]:
    return release["id"], f"{release['feature']}, {status_in_words(release['status'])}"
