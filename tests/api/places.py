"""What routes of the API need: objects, and valid bodies."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.unleash.stand_in import ENVIRONMENTS, TOKEN, stand_in_address

Place = tuple[dict[str, str], Any]
"""The parameters of a path, and a body."""


def key() -> str:
    return f"x{uuid4().hex[:12]}"


def no_objects(_api: Api) -> Place:
    return {}, None


def body(make: Callable[[], Any]) -> Callable[[Api], Place]:
    return lambda _api: ({}, make())


def new_body() -> dict[str, Any]:
    return {"key": key(), "name": "New"}


def rename_body() -> dict[str, Any]:
    return {"name": "Renamed"}


def key_body() -> dict[str, Any]:
    return {"name": "reads", "owner": {"kind": "person", "name": "rita"}, "grants": [{"project": "shop", "role": "viewer"}]}


def new(noun: str, body: Any = None) -> Callable[[Api], Place]:
    def make(api: Api) -> Place:
        made = api.post(f"/projects/shop/{noun}s", {"key": key()})
        return {noun: made["key"]}, body

    return make


def a_key(api: Api) -> Place:
    return {"key": api.post("/keys", key_body())["id"]}, None


def definition() -> dict[str, Any]:
    return pipeline(stage("Development"), key=key())


def a_draft(api: Api) -> Place:
    return {"pipeline": api.post("/projects/shop/pipelines", definition())["id"]}, None


def a_draft_to_replace(api: Api) -> Place:
    return a_draft(api)[0], definition()


def a_draft_to_clone(api: Api) -> Place:
    return a_draft(api)[0], {"key": key()}


def freeze() -> dict[str, Any]:
    tomorrow = datetime.now(tz=UTC) + timedelta(days=1)
    ends_at = tomorrow + timedelta(days=12)
    return {"name": "Move", "starts_at": tomorrow.isoformat(), "ends_at": ends_at.isoformat(), "environments": ["development"]}


def a_freeze(api: Api) -> Place:
    return {"freeze": api.post("/projects/shop/freezes", freeze())["id"]}, None


def stop() -> dict[str, Any]:
    tomorrow = datetime.now(tz=UTC) + timedelta(days=1)
    return {"reason": "checkout is down", "environment": "development", "expires_at": tomorrow.isoformat()}


def webhook() -> dict[str, Any]:
    return {"url": "https://93.184.216.34/hook", "events": ["stop.placed"]}


def a_webhook(api: Api) -> Place:
    return {"webhook": api.post("/projects/shop/webhooks", webhook())["id"]}, None


def a_webhook_to_change(api: Api) -> Place:
    return a_webhook(api)[0], rename_body()


def a_delivery(api: Api) -> Place:
    place, _ = a_webhook(api)
    stop = api.post("/projects/shop/stops", {"reason": "told", "environment": "staging"})["id"]
    api.post(f"/projects/shop/stops/{stop}/lift")
    [delivery] = api.get(f"/projects/shop/webhooks/{place['webhook']}/deliveries")["items"]
    return place | {"delivery": delivery["id"]}, None


def a_stop(api: Api) -> Place:
    return {"stop": api.post("/projects/shop/stops", stop())["id"]}, {"reason": "over"}


def a_draft_to_simulate(api: Api) -> Place:
    return a_draft(api)[0], {"feature": "checkout", "timezone": "Europe/London"}


def a_published_pipeline(api: Api) -> Place:
    return {"pipeline": api.publish(definition())["id"]}, None


def a_release_body(api: Api) -> Place:
    feature, _ = new("feature")(api)
    return {}, {"pipeline": api.publish(definition())["key"], "feature": feature["feature"]}


def a_release(api: Api) -> Place:
    return {"release": api.post("/projects/shop/releases", a_release_body(api)[1])["id"]}, None


def a_release_to_control(api: Api) -> Place:
    return a_release(api)[0], {"reason": "to see"}


def a_release_to_restart(api: Api) -> Place:
    return a_release(api)[0], {"stage": "Development"}


def no_unfinished_release(api: Api) -> Place:
    for status in ("starting", "running", "paused", "blocked", "rolling_back"):
        for release in api.get("/projects/shop/releases", status=status)["items"]:
            api.post(f"/projects/shop/releases/{release['id']}/remove")
    return {}, None


def emptied(api: Api) -> None:
    """Leave the project without releases, features and segments of its own."""
    no_unfinished_release(api)
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


def connection_body() -> dict[str, Any]:
    return {"kind": "unleash", "address": stand_in_address(), "credential": TOKEN}


def a_project_to_connect(api: Api) -> Place:
    emptied(api)
    ours = [each["key"] for each in api.get("/projects/shop/environments", limit=200)["items"]]
    for each in set(ours) - set(ENVIRONMENTS):
        api.request("DELETE", f"/projects/shop/environments/{each}").raise_for_status()
    return {}, connection_body()


def a_connected_project(api: Api) -> Place:
    _, body = a_project_to_connect(api)
    api.request("PUT", "/projects/shop/connection", body).raise_for_status()
    return {}, None


def without_sources(api: Api) -> None:
    """Delete the metrics and sources, of which a project can have few."""
    for noun in ("metrics", "sources"):
        for each in api.get(f"/projects/shop/{noun}", limit=200)["items"]:
            api.request("DELETE", f"/projects/shop/{noun}/{each['key']}").raise_for_status()


def new_source_body(api: Api) -> Place:
    without_sources(api)
    return {}, source()


def source() -> dict[str, Any]:
    return {"key": key(), "name": "Source", "kind": "http", "address": stand_in_address(), "credential": TOKEN}


def a_source(api: Api) -> Place:
    without_sources(api)
    return {"source": api.post("/projects/shop/sources", source())["key"]}, None


def a_source_to_replace(api: Api) -> Place:
    place, _ = a_source(api)
    return place, source() | {"key": place["source"]}


def metric(api: Api) -> dict[str, Any]:
    source = a_source(api)[0]["source"]
    return {"key": key(), "name": "Metric", "source": source, "query": "/api/admin/segments?flag={feature}", "pointer": "/segments"}


def a_metric_body(api: Api) -> Place:
    return {}, metric(api)


def a_metric(api: Api) -> Place:
    return {"metric": api.post("/projects/shop/metrics", metric(api))["key"]}, None


def a_metric_to_replace(api: Api) -> Place:
    body = metric(api)
    api.post("/projects/shop/metrics", body)
    return {"metric": body["key"]}, body | {"name": "Renamed"}


def a_metric_to_ask(api: Api) -> Place:
    return {}, {"feature": "checkout", "environment": "development"} | a_metric(api)[0]
