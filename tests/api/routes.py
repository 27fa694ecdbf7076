"""Every route of the API, each with the objects that it needs and a valid body."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.unleash.stand_in import ENVIRONMENTS, TOKEN, stand_in_address

Place = tuple[dict[str, str], Any]
"""The parameters of a path, and a body."""


def _key() -> str:
    return f"x{uuid4().hex[:12]}"


def _no_objects(_api: Api) -> Place:
    return {}, None


def _body(body: Callable[[], Any]) -> Callable[[Api], Place]:
    return lambda _api: ({}, body())


def _new_body() -> dict[str, Any]:
    return {"key": _key(), "name": "New"}


def _rename_body() -> dict[str, Any]:
    return {"name": "Renamed"}


def _key_body() -> dict[str, Any]:
    return {"name": "reads", "owner": {"kind": "person", "name": "rita"}, "grants": [{"project": "shop", "role": "viewer"}]}


def _new(noun: str, body: Any = None) -> Callable[[Api], Place]:
    def make(api: Api) -> Place:
        made = api.post(f"/projects/shop/{noun}s", {"key": _key()})
        return {noun: made["key"]}, body

    return make


def _a_key(api: Api) -> Place:
    return {"key": api.post("/keys", _key_body())["id"]}, None


def _definition() -> dict[str, Any]:
    return pipeline(stage("Development"), key=_key())


def _a_draft(api: Api) -> Place:
    return {"pipeline": api.post("/projects/shop/pipelines", _definition())["id"]}, None


def _a_draft_to_replace(api: Api) -> Place:
    return _a_draft(api)[0], _definition()


def _a_draft_to_clone(api: Api) -> Place:
    return _a_draft(api)[0], {"key": _key()}


def _freeze() -> dict[str, Any]:
    tomorrow = datetime.now(tz=UTC) + timedelta(days=1)
    ends_at = tomorrow + timedelta(days=12)
    return {"name": "Move", "starts_at": tomorrow.isoformat(), "ends_at": ends_at.isoformat(), "environments": ["development"]}


def _a_freeze(api: Api) -> Place:
    return {"freeze": api.post("/projects/shop/freezes", _freeze())["id"]}, None


def _stop() -> dict[str, Any]:
    tomorrow = datetime.now(tz=UTC) + timedelta(days=1)
    return {"reason": "checkout is down", "environment": "development", "expires_at": tomorrow.isoformat()}


def _webhook() -> dict[str, Any]:
    return {"url": "https://93.184.216.34/hook", "events": ["stop.placed"]}


def _a_webhook(api: Api) -> Place:
    return {"webhook": api.post("/projects/shop/webhooks", _webhook())["id"]}, None


def _a_webhook_to_change(api: Api) -> Place:
    return _a_webhook(api)[0], _rename_body()


def _a_delivery(api: Api) -> Place:
    place, _ = _a_webhook(api)
    stop = api.post("/projects/shop/stops", {"reason": "told", "environment": "staging"})["id"]
    api.post(f"/projects/shop/stops/{stop}/lift")
    [delivery] = api.get(f"/projects/shop/webhooks/{place['webhook']}/deliveries")["items"]
    return place | {"delivery": delivery["id"]}, None


def _a_stop(api: Api) -> Place:
    return {"stop": api.post("/projects/shop/stops", _stop())["id"]}, {"reason": "over"}


def _a_draft_to_simulate(api: Api) -> Place:
    return _a_draft(api)[0], {"feature": "checkout", "timezone": "Europe/London"}


def _a_published_pipeline(api: Api) -> Place:
    return {"pipeline": api.publish(_definition())["id"]}, None


def _a_release_body(api: Api) -> Place:
    feature, _ = _new("feature")(api)
    return {}, {"pipeline": api.publish(_definition())["key"], "feature": feature["feature"]}


def _a_release(api: Api) -> Place:
    return {"release": api.post("/projects/shop/releases", _a_release_body(api)[1])["id"]}, None


def _a_release_to_control(api: Api) -> Place:
    return _a_release(api)[0], {"reason": "to see"}


def _a_release_to_restart(api: Api) -> Place:
    return _a_release(api)[0], {"stage": "Development"}


def _no_unfinished_release(api: Api) -> Place:
    for status in ("starting", "running", "paused", "blocked", "rolling_back"):
        for release in api.get("/projects/shop/releases", status=status)["items"]:
            api.post(f"/projects/shop/releases/{release['id']}/remove")
    return {}, None


def _emptied(api: Api) -> None:
    """Leave the project without releases, features and segments of its own."""
    _no_unfinished_release(api)
    if api.get("/projects/shop/connection")["kind"] == "builtin":
        for environment in api.get("/projects/shop/environments")["items"]:
            for feature in api.get("/projects/shop/features", limit=200)["items"]:
                place = f"/projects/shop/environments/{environment['key']}/features/{feature['key']}"
                overrides = feature["environments"][environment["key"]]["overrides"]
                api.patch(place, {"overrides": dict.fromkeys(overrides)}) if overrides else None
        for pipeline_ in api.get("/projects/shop/pipelines", limit=200)["items"]:
            path = f"/projects/shop/pipelines/{pipeline_['id']}"
            api.post(f"{path}/archive") if pipeline_["status"] == "published" else None
        for noun in ("features", "segments"):
            for each in api.get(f"/projects/shop/{noun}", limit=200)["items"]:
                api.request("DELETE", f"/projects/shop/{noun}/{each['key']}").raise_for_status()


def _connection_body() -> dict[str, Any]:
    return {"kind": "unleash", "address": stand_in_address(), "credential": TOKEN}


def _a_project_to_connect(api: Api) -> Place:
    _emptied(api)
    ours = [each["key"] for each in api.get("/projects/shop/environments", limit=200)["items"]]
    for each in set(ours) - set(ENVIRONMENTS):
        api.request("DELETE", f"/projects/shop/environments/{each}").raise_for_status()
    return {}, _connection_body()


def _a_connected_project(api: Api) -> Place:
    _, body = _a_project_to_connect(api)
    api.request("PUT", "/projects/shop/connection", body).raise_for_status()
    return {}, None


def _without_sources(api: Api) -> None:
    """Delete the metrics and sources, of which a project can have few."""
    for noun in ("metrics", "sources"):
        for each in api.get(f"/projects/shop/{noun}", limit=200)["items"]:
            api.request("DELETE", f"/projects/shop/{noun}/{each['key']}").raise_for_status()


def _new_source_body(api: Api) -> Place:
    _without_sources(api)
    return {}, _source()


def _source() -> dict[str, Any]:
    return {"key": _key(), "name": "Source", "kind": "http", "address": stand_in_address(), "credential": TOKEN}


def _a_source(api: Api) -> Place:
    _without_sources(api)
    return {"source": api.post("/projects/shop/sources", _source())["key"]}, None


def _a_source_to_replace(api: Api) -> Place:
    place, _ = _a_source(api)
    return place, _source() | {"key": place["source"]}


def _metric(api: Api) -> dict[str, Any]:
    source = _a_source(api)[0]["source"]
    return {"key": _key(), "name": "Metric", "source": source, "query": "/api/admin/segments?flag={feature}", "pointer": "/segments"}


def _a_metric_body(api: Api) -> Place:
    return {}, _metric(api)


def _a_metric(api: Api) -> Place:
    return {"metric": api.post("/projects/shop/metrics", _metric(api))["key"]}, None


def _a_metric_to_replace(api: Api) -> Place:
    body = _metric(api)
    api.post("/projects/shop/metrics", body)
    return {"metric": body["key"]}, body | {"name": "Renamed"}


def _a_metric_to_ask(api: Api) -> Place:
    return {}, {"feature": "checkout", "environment": "development"} | _a_metric(api)[0]


PLACES: dict[str, Callable[[Api], Place]] = {
    "GET /projects": _no_objects,
    "POST /projects": _body(_new_body),
    "GET /projects/{project}": _no_objects,
    "PATCH /projects/{project}": _body(_rename_body),
    "GET /projects/{project}/environments": _no_objects,
    "POST /projects/{project}/environments": _body(_new_body),
    "GET /projects/{project}/environments/{environment}": _no_objects,
    "PATCH /projects/{project}/environments/{environment}": _body(_rename_body),
    "GET /projects/{project}/environments/{environment}/compare/{other}": _no_objects,
    "POST /projects/{project}/environments/{environment}/keys/{kind}/rotate": _no_objects,
    "DELETE /projects/{project}/environments/{environment}": _new("environment"),
    "GET /projects/{project}/segments": _no_objects,
    "POST /projects/{project}/segments": _body(_new_body),
    "GET /projects/{project}/segments/{segment}": _no_objects,
    "PATCH /projects/{project}/segments/{segment}": _new("segment", _rename_body()),
    "DELETE /projects/{project}/segments/{segment}": _new("segment"),
    "GET /projects/{project}/features": _no_objects,
    "POST /projects/{project}/features": _body(_new_body),
    "GET /projects/{project}/features/{feature}": _no_objects,
    "PATCH /projects/{project}/features/{feature}": _body(_rename_body),
    "DELETE /projects/{project}/features/{feature}": _new("feature"),
    "GET /projects/{project}/environments/{environment}/features/{feature}": _no_objects,
    "PATCH /projects/{project}/environments/{environment}/features/{feature}": _body(lambda: {"enabled": True}),
    "GET /projects/{project}/pipelines": _no_objects,
    "POST /projects/{project}/pipelines": _body(_definition),
    "GET /projects/{project}/pipelines/{pipeline}": _a_draft,
    "PUT /projects/{project}/pipelines/{pipeline}": _a_draft_to_replace,
    "DELETE /projects/{project}/pipelines/{pipeline}": _a_draft,
    "POST /projects/{project}/pipelines/{pipeline}/publish": _a_draft,
    "POST /projects/{project}/pipelines/{pipeline}/clone": _a_draft_to_clone,
    "POST /projects/{project}/pipelines/{pipeline}/archive": _a_published_pipeline,
    "POST /projects/{project}/pipelines/{pipeline}/simulate": _a_draft_to_simulate,
    "GET /templates": _no_objects,
    "GET /projects/{project}/freezes": _no_objects,
    "POST /projects/{project}/freezes": _body(_freeze),
    "GET /projects/{project}/freezes/{freeze}": _a_freeze,
    "DELETE /projects/{project}/freezes/{freeze}": _a_freeze,
    "GET /projects/{project}/webhooks": _no_objects,
    "POST /projects/{project}/webhooks": _body(_webhook),
    "GET /projects/{project}/webhooks/{webhook}": _a_webhook,
    "PATCH /projects/{project}/webhooks/{webhook}": _a_webhook_to_change,
    "DELETE /projects/{project}/webhooks/{webhook}": _a_webhook,
    "POST /projects/{project}/webhooks/{webhook}/rotate": _a_webhook,
    "GET /projects/{project}/webhooks/{webhook}/deliveries": _a_delivery,
    "POST /projects/{project}/webhooks/{webhook}/deliveries/{delivery}/resend": _a_delivery,
    "GET /projects/{project}/stops": _no_objects,
    "POST /projects/{project}/stops": _body(_stop),
    "GET /projects/{project}/stops/{stop}": _a_stop,
    "POST /projects/{project}/stops/{stop}/lift": _a_stop,
    "GET /projects/{project}/releases": _no_objects,
    "POST /projects/{project}/releases": _a_release_body,
    "GET /projects/{project}/releases/{release}": _a_release,
    "GET /projects/{project}/releases/{release}/samples": _a_release,
    "GET /projects/{project}/releases/{release}/experiments": _a_release,
    "POST /projects/{project}/releases/{release}/remove": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/pause": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/approve": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/reject": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/resume": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/advance": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/skip": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/retry": _a_release_to_control,
    "POST /projects/{project}/releases/{release}/restart": _a_release_to_restart,
    "GET /projects/{project}/releases/{release}/rollback": _a_release,
    "POST /projects/{project}/releases/{release}/rollback": _a_release_to_control,
    "GET /projects/{project}/audit": _no_objects,
    "GET /audit": _no_objects,
    "GET /keys": _no_objects,
    "POST /keys": _body(_key_body),
    "GET /keys/{key}": _a_key,
    "DELETE /keys/{key}": _a_key,
    "POST /keys/{key}/rotate": _a_key,
    "GET /whoami": _no_objects,
    "GET /status": _no_objects,
    "GET /projects/{project}/sources": _no_objects,
    "POST /projects/{project}/sources": _new_source_body,
    "GET /projects/{project}/sources/{source}": _a_source,
    "PUT /projects/{project}/sources/{source}": _a_source_to_replace,
    "DELETE /projects/{project}/sources/{source}": _a_source,
    "POST /projects/{project}/sources/{source}/check": _a_source,
    "GET /projects/{project}/metrics": _no_objects,
    "POST /projects/{project}/metrics": _a_metric_body,
    "POST /projects/{project}/metrics/ask": _a_metric_to_ask,
    "GET /projects/{project}/metrics/{metric}": _a_metric,
    "PUT /projects/{project}/metrics/{metric}": _a_metric_to_replace,
    "DELETE /projects/{project}/metrics/{metric}": _a_metric,
    "GET /projects/{project}/connection": _no_objects,
    "POST /projects/{project}/connection/check": _body(_connection_body),
    "PUT /projects/{project}/connection": _a_project_to_connect,
    "DELETE /projects/{project}/connection": _a_connected_project,
    "DELETE /projects/{project}": _no_unfinished_release,
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
