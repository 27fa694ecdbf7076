"""Loading the demo over HTTP. Loading it again creates nothing twice."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from api.client import ApiClient, Refused, path_of
from api.embedded.demo import Demo


class DemoRelease(NamedTuple):
    """A release of the demo, and whether this load added it."""

    release: dict[str, Any]
    is_new: bool


def load(client: ApiClient, demo: Demo) -> list[DemoRelease]:
    """Create the missing parts of the demo and return its releases. Raises Refused or Unreachable."""
    project = path_of("projects", demo.project["key"])
    _create(client, "/projects", demo.project)
    if demo.connection and client.get(f"{project}/connection")["kind"] != demo.connection["kind"]:
        client.put(f"{project}/connection", demo.connection)
    for collection in ("environments", "segments", "features", "sources", "metrics"):
        for item in getattr(demo, collection):
            _create(client, f"{project}/{collection}", item)
    for definition in demo.pipelines:
        _publish(client, project, definition)
    return [_add(client, project, release) for release in demo.releases(datetime.now(UTC))]


def _create(client: ApiClient, path: str, body: dict[str, Any]) -> None:
    try:
        client.post(path, body)
    except Refused as refused:
        if refused.status != HTTPStatus.CONFLICT:
            raise


def _publish(client: ApiClient, project: str, definition: dict[str, Any]) -> None:
    _create(client, f"{project}/pipelines", definition)
    pipeline = client.get(f"{project}/pipelines/{definition['key']}")
    if pipeline["status"] == "draft":
        client.post(f"{project}/pipelines/{pipeline['id']}/publish")


def _add(client: ApiClient, project: str, release: dict[str, Any]) -> DemoRelease:
    """Add a flag to its pipeline, unless it was ever in a release, however that ended."""
    earlier = client.get(f"{project}/releases", feature=release["feature"], limit=1)["items"]
    if earlier:
        return DemoRelease(earlier[0], is_new=False)
    return DemoRelease(client.post(f"{project}/releases", release), is_new=True)
