"""Every route of the API, each with something to call it on and a body that is right."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.http import Api
from tests.pipelines import pipeline, stage

Place = tuple[dict[str, str], Any]
"""What fills the path, and the body."""


def _key() -> str:
    return f"x{uuid4().hex[:12]}"


def _nothing(_api: Api) -> Place:
    return {}, None


def _body(body: Callable[[], Any]) -> Callable[[Api], Place]:
    return lambda _api: ({}, body())


def _named() -> dict[str, Any]:
    return {"key": _key(), "name": "New"}


def _renamed() -> dict[str, Any]:
    return {"name": "Renamed"}


def _key_body() -> dict[str, Any]:
    return {"name": "reads", "owner": {"kind": "person", "name": "rita"}, "grants": [{"project": "shop", "role": "viewer"}]}


def _fresh(noun: str, body: Any = None) -> Callable[[Api], Place]:
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
    return _a_webhook(api)[0], _renamed()


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


def _a_published_one(api: Api) -> Place:
    return {"pipeline": api.publish(_definition())["id"]}, None


def _to_add(api: Api) -> Place:
    feature, _ = _fresh("feature")(api)
    return {}, {"pipeline": api.publish(_definition())["key"], "feature": feature["feature"]}


def _a_release(api: Api) -> Place:
    return {"release": api.post("/projects/shop/releases", _to_add(api)[1])["id"]}, None


def _a_release_to_steer(api: Api) -> Place:
    return _a_release(api)[0], {"reason": "to see"}


def _a_release_to_restart(api: Api) -> Place:
    return _a_release(api)[0], {"stage": "Development"}


def _no_release_under_way(api: Api) -> Place:
    for status in ("starting", "running", "paused", "rolling_back"):
        for release in api.get("/projects/shop/releases", status=status)["items"]:
            api.post(f"/projects/shop/releases/{release['id']}/remove")
    return {}, None


PLACES: dict[str, Callable[[Api], Place]] = {
    "GET /projects": _nothing,
    "POST /projects": _body(_named),
    "GET /projects/{project}": _nothing,
    "PATCH /projects/{project}": _body(_renamed),
    "GET /projects/{project}/environments": _nothing,
    "POST /projects/{project}/environments": _body(_named),
    "GET /projects/{project}/environments/{environment}": _nothing,
    "PATCH /projects/{project}/environments/{environment}": _body(_renamed),
    "POST /projects/{project}/environments/{environment}/keys/{kind}/rotate": _nothing,
    "DELETE /projects/{project}/environments/{environment}": _fresh("environment"),
    "GET /projects/{project}/segments": _nothing,
    "POST /projects/{project}/segments": _body(_named),
    "GET /projects/{project}/segments/{segment}": _nothing,
    "PATCH /projects/{project}/segments/{segment}": _fresh("segment", _renamed()),
    "DELETE /projects/{project}/segments/{segment}": _fresh("segment"),
    "GET /projects/{project}/features": _nothing,
    "POST /projects/{project}/features": _body(_named),
    "GET /projects/{project}/features/{feature}": _nothing,
    "PATCH /projects/{project}/features/{feature}": _body(_renamed),
    "DELETE /projects/{project}/features/{feature}": _fresh("feature"),
    "PATCH /projects/{project}/environments/{environment}/features/{feature}": _body(lambda: {"enabled": True}),
    "GET /projects/{project}/pipelines": _nothing,
    "POST /projects/{project}/pipelines": _body(_definition),
    "GET /projects/{project}/pipelines/{pipeline}": _a_draft,
    "PUT /projects/{project}/pipelines/{pipeline}": _a_draft_to_replace,
    "DELETE /projects/{project}/pipelines/{pipeline}": _a_draft,
    "POST /projects/{project}/pipelines/{pipeline}/publish": _a_draft,
    "POST /projects/{project}/pipelines/{pipeline}/clone": _a_draft_to_clone,
    "POST /projects/{project}/pipelines/{pipeline}/archive": _a_published_one,
    "POST /projects/{project}/pipelines/{pipeline}/simulate": _a_draft_to_simulate,
    "GET /templates": _nothing,
    "GET /projects/{project}/freezes": _nothing,
    "POST /projects/{project}/freezes": _body(_freeze),
    "DELETE /projects/{project}/freezes/{freeze}": _a_freeze,
    "GET /projects/{project}/webhooks": _nothing,
    "POST /projects/{project}/webhooks": _body(_webhook),
    "GET /projects/{project}/webhooks/{webhook}": _a_webhook,
    "PATCH /projects/{project}/webhooks/{webhook}": _a_webhook_to_change,
    "DELETE /projects/{project}/webhooks/{webhook}": _a_webhook,
    "POST /projects/{project}/webhooks/{webhook}/rotate": _a_webhook,
    "GET /projects/{project}/webhooks/{webhook}/deliveries": _a_delivery,
    "POST /projects/{project}/webhooks/{webhook}/deliveries/{delivery}/resend": _a_delivery,
    "GET /projects/{project}/stops": _nothing,
    "POST /projects/{project}/stops": _body(_stop),
    "POST /projects/{project}/stops/{stop}/lift": _a_stop,
    "GET /projects/{project}/releases": _nothing,
    "POST /projects/{project}/releases": _to_add,
    "GET /projects/{project}/releases/{release}": _a_release,
    "POST /projects/{project}/releases/{release}/remove": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/pause": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/approve": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/reject": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/resume": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/advance": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/skip": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/retry": _a_release_to_steer,
    "POST /projects/{project}/releases/{release}/restart": _a_release_to_restart,
    "GET /projects/{project}/releases/{release}/rollback": _a_release,
    "POST /projects/{project}/releases/{release}/rollback": _a_release_to_steer,
    "GET /projects/{project}/audit": _nothing,
    "GET /audit": _nothing,
    "GET /keys": _nothing,
    "POST /keys": _body(_key_body),
    "DELETE /keys/{key}": _a_key,
    "POST /keys/{key}/rotate": _a_key,
    "GET /whoami": _nothing,
    "GET /status": _nothing,
    "DELETE /projects/{project}": _no_release_under_way,
}

_USUAL = {"kind": "client", "project": "shop", "environment": "development", "feature": "checkout", "segment": "staff"}

_WITHOUT = ("/publish", "/archive", "/rotate", "/resend")

WITH_A_BODY = [route for route in PLACES if route.split()[0] in ("POST", "PUT", "PATCH") and not route.endswith(_WITHOUT)]


def place_of(owner: Api, route: str) -> Place:
    """Make what the route is called on; all that may fill its path, and the body of a call that is right."""
    names, body = PLACES[route](owner)
    return _USUAL | names, body


def prepare(owner: Api, route: str) -> tuple[str, str, Any]:
    """Make what the route is called on; the method, the path and the body of a call that is right."""
    method, template = route.split()
    names, body = place_of(owner, route)
    return method, template.format(**names), body
