"""What a shell offers while a command is typed: keys that the API knows, or nothing if it does not answer at once."""

from collections.abc import Callable
from typing import Any

import typer

from api.cli.api_target import ApiTarget
from api.client import first, path_of
from domain.audit import AuditEvent
from domain.releases.status import status_in_words
from domain.webhooks.event import WebhookEvent
from settings import Settings

QUICK = 1.0
MOST = 200

Offered = list[tuple[str, str]]


def offer_projects(context: typer.Context, incomplete: str) -> Offered:
    """The projects that the key may see."""
    return _offer(context, incomplete, "/projects", _named)


def offer_keys(noun: str) -> Callable[[typer.Context, str], Offered]:
    """Offers the keys of the environments, features, segments or pipelines of the project that was typed before."""

    def offer(context: typer.Context, incomplete: str) -> Offered:
        return _offer(context, incomplete, path_of("projects", context.params.get("project") or "", noun), _named)

    return offer


def offer_releases(context: typer.Context, incomplete: str) -> Offered:
    """The newest releases of the project that was typed before."""
    return _offer(context, incomplete, path_of("projects", context.params.get("project") or "", "releases"), _of_release)


def offer_api_keys(context: typer.Context, incomplete: str) -> Offered:
    """The ids of API keys."""
    return _offer(context, incomplete, "/keys", lambda key: (key["id"], f"{key['name']} of {key['owner']['name']}"))


def offer_webhooks(context: typer.Context, incomplete: str) -> Offered:
    """The ids of the webhooks of the project that was typed before."""
    path = path_of("projects", context.params.get("project") or "", "webhooks")
    return _offer(context, incomplete, path, lambda webhook: (webhook["id"], webhook["name"]))


def offer_notices(incomplete: str) -> list[str]:
    """What webhooks tell of."""
    return [event for event in WebhookEvent if event.startswith(incomplete)]


def offer_events(incomplete: str) -> list[str]:
    """What the audit log tells of."""
    return [event for event in AuditEvent if event.startswith(incomplete)]


def _offer(context: typer.Context, incomplete: str, path: str, told: Callable[[dict[str, Any]], tuple[str, str]]) -> Offered:
    asked = context.find_root().params
    try:
        with ApiTarget(asked.get("url") or "", asked.get("key") or "").client(Settings(), QUICK) as client:
            found = dict(told(each) for each in first(MOST, client.items(path, limit=MOST)))
    except Exception:  # whatever is wrong, the command itself will say it: between two keystrokes nothing may be printed
        return []
    return [(text, help_) for text, help_ in found.items() if text.startswith(incomplete)]


def _named(thing: dict[str, Any]) -> tuple[str, str]:
    return thing["key"], thing["name"]


def _of_release(release: dict[str, Any]) -> tuple[str, str]:
    return release["id"], f"{release['feature']}, {status_in_words(release['status'])}"
