"""Every route of the API, each with the objects that it needs and a valid body."""

from collections.abc import Callable
from typing import Any

from tests.api import places
from tests.api.places import Place
from tests.http import Api

PLACES: dict[str, Callable[[Api], Place]] = {
    "GET /projects": places.no_objects,
    "POST /projects": places.body(places.new_body),
    "GET /projects/{project}": places.no_objects,
    "PATCH /projects/{project}": places.body(places.rename_body),
    "GET /projects/{project}/environments": places.no_objects,
    "POST /projects/{project}/environments": places.body(places.new_body),
    "GET /projects/{project}/environments/{environment}": places.no_objects,
    "PATCH /projects/{project}/environments/{environment}": places.body(places.rename_body),
    "GET /projects/{project}/environments/{environment}/compare/{other}": places.no_objects,
    "POST /projects/{project}/environments/{environment}/keys/{kind}/rotate": places.no_objects,
    "DELETE /projects/{project}/environments/{environment}": places.new("environment"),
    "GET /projects/{project}/segments": places.no_objects,
    "POST /projects/{project}/segments": places.body(places.new_body),
    "GET /projects/{project}/segments/{segment}": places.no_objects,
    "PATCH /projects/{project}/segments/{segment}": places.new("segment", places.rename_body()),
    "DELETE /projects/{project}/segments/{segment}": places.new("segment"),
    "GET /projects/{project}/features": places.no_objects,
    "POST /projects/{project}/features": places.body(places.new_body),
    "GET /projects/{project}/features/{feature}": places.no_objects,
    "PATCH /projects/{project}/features/{feature}": places.body(places.rename_body),
    "DELETE /projects/{project}/features/{feature}": places.new("feature"),
    "GET /projects/{project}/environments/{environment}/features/{feature}": places.no_objects,
    "PATCH /projects/{project}/environments/{environment}/features/{feature}": places.body(lambda: {"enabled": True}),
    "GET /projects/{project}/pipelines": places.no_objects,
    "POST /projects/{project}/pipelines": places.body(places.definition),
    "GET /projects/{project}/pipelines/{pipeline}": places.a_draft,
    "PUT /projects/{project}/pipelines/{pipeline}": places.a_draft_to_replace,
    "DELETE /projects/{project}/pipelines/{pipeline}": places.a_draft,
    "POST /projects/{project}/pipelines/{pipeline}/publish": places.a_draft,
    "POST /projects/{project}/pipelines/{pipeline}/clone": places.a_draft_to_clone,
    "POST /projects/{project}/pipelines/{pipeline}/archive": places.a_published_pipeline,
    "POST /projects/{project}/pipelines/{pipeline}/simulate": places.a_draft_to_simulate,
    "GET /templates": places.no_objects,
    "GET /projects/{project}/freezes": places.no_objects,
    "POST /projects/{project}/freezes": places.body(places.freeze),
    "GET /projects/{project}/freezes/{freeze}": places.a_freeze,
    "DELETE /projects/{project}/freezes/{freeze}": places.a_freeze,
    "GET /projects/{project}/webhooks": places.no_objects,
    "POST /projects/{project}/webhooks": places.body(places.webhook),
    "GET /projects/{project}/webhooks/{webhook}": places.a_webhook,
    "PATCH /projects/{project}/webhooks/{webhook}": places.a_webhook_to_change,
    "DELETE /projects/{project}/webhooks/{webhook}": places.a_webhook,
    "POST /projects/{project}/webhooks/{webhook}/rotate": places.a_webhook,
    "GET /projects/{project}/webhooks/{webhook}/deliveries": places.a_delivery,
    "POST /projects/{project}/webhooks/{webhook}/deliveries/{delivery}/resend": places.a_delivery,
    "GET /projects/{project}/stops": places.no_objects,
    "POST /projects/{project}/stops": places.body(places.stop),
    "GET /projects/{project}/stops/{stop}": places.a_stop,
    "POST /projects/{project}/stops/{stop}/lift": places.a_stop,
    "GET /projects/{project}/releases": places.no_objects,
    "POST /projects/{project}/releases": places.a_release_body,
    "GET /projects/{project}/releases/{release}": places.a_release,
    "GET /projects/{project}/releases/{release}/samples": places.a_release,
    "GET /projects/{project}/releases/{release}/experiments": places.a_release,
    "POST /projects/{project}/releases/{release}/remove": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/pause": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/approve": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/reject": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/resume": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/advance": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/skip": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/retry": places.a_release_to_control,
    "POST /projects/{project}/releases/{release}/restart": places.a_release_to_restart,
    "GET /projects/{project}/releases/{release}/rollback": places.a_release,
    "POST /projects/{project}/releases/{release}/rollback": places.a_release_to_control,
    "GET /projects/{project}/audit": places.no_objects,
    "GET /audit": places.no_objects,
    "GET /keys": places.no_objects,
    "POST /keys": places.body(places.key_body),
    "GET /keys/{key}": places.a_key,
    "DELETE /keys/{key}": places.a_key,
    "POST /keys/{key}/rotate": places.a_key,
    "GET /whoami": places.no_objects,
    "GET /status": places.no_objects,
    "GET /projects/{project}/sources": places.no_objects,
    "POST /projects/{project}/sources": places.new_source_body,
    "GET /projects/{project}/sources/{source}": places.a_source,
    "PUT /projects/{project}/sources/{source}": places.a_source_to_replace,
    "DELETE /projects/{project}/sources/{source}": places.a_source,
    "POST /projects/{project}/sources/{source}/check": places.a_source,
    "GET /projects/{project}/metrics": places.no_objects,
    "POST /projects/{project}/metrics": places.a_metric_body,
    "POST /projects/{project}/metrics/ask": places.a_metric_to_ask,
    "GET /projects/{project}/metrics/{metric}": places.a_metric,
    "PUT /projects/{project}/metrics/{metric}": places.a_metric_to_replace,
    "DELETE /projects/{project}/metrics/{metric}": places.a_metric,
    "GET /projects/{project}/connection": places.no_objects,
    "POST /projects/{project}/connection/check": places.body(places.connection_body),
    "PUT /projects/{project}/connection": places.a_project_to_connect,
    "DELETE /projects/{project}/connection": places.a_connected_project,
    "DELETE /projects/{project}": places.no_unfinished_release,
}

_DEFAULTS = {
    "kind": "client",
    "project": "shop",
    "environment": "development",
    "other": "production",
    "feature": "checkout",
    "segment": "staff",
}

_WITHOUT_A_BODY = ("/publish", "/archive", "/rotate", "/resend", "/sources/{source}/check")

WITH_A_BODY = [route for route in PLACES if route.split()[0] in ("POST", "PUT", "PATCH") and not route.endswith(_WITHOUT_A_BODY)]

BODY_IS_OPTIONAL = ("POST /projects/{project}/connection/check",)
"""Routes for which `null` is the same as no body."""


def place_of(owner: Api, route: str) -> Place:
    """Create the objects that the route needs. Returns all path parameters, and a valid body."""
    names, body = PLACES[route](owner)
    return _DEFAULTS | names, body


def prepare(owner: Api, route: str) -> tuple[str, str, Any]:
    """Create the objects that the route needs. Returns the method, the path and a valid body."""
    method, template = route.split()
    names, body = place_of(owner, route)
    return method, template.format(**names), body
