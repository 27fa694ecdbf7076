"""Loading a demo over HTTP, so that loading it again makes nothing twice."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from api.client import ApiClient, Refused, path_of
from api.embedded.demo import Demo


class Loaded(NamedTuple):
    """A release of the demo: as it stands now, and whether it was added just now."""

    release: dict[str, Any]
    is_new: bool


def load(client: ApiClient, demo: Demo) -> list[Loaded]:
    """Make what is missing of the demo. Raises Refused or Unreachable."""
    project = path_of("projects", demo.project["key"])
    _make(client, "/projects", demo.project)
    for noun, things in (("environments", demo.environments), ("segments", demo.segments), ("features", demo.features)):
        for thing in things:
            _make(client, f"{project}/{noun}", thing)
    for definition in demo.pipelines:
        _publish(client, project, definition)
    return [_add(client, project, release) for release in demo.releases(datetime.now(UTC))]


def _make(client: ApiClient, path: str, body: dict[str, Any]) -> None:
    try:
        client.post(path, body)
    except Refused as refused:
        if refused.status != HTTPStatus.CONFLICT:
            raise


def _publish(client: ApiClient, project: str, definition: dict[str, Any]) -> None:
    _make(client, f"{project}/pipelines", definition)
    pipeline = client.get(f"{project}/pipelines/{definition['key']}")
    if pipeline["status"] == "draft":
        client.post(f"{project}/pipelines/{pipeline['id']}/publish")


def _add(client: ApiClient, project: str, release: dict[str, Any]) -> Loaded:
    """A flag that was ever in a release is not added again, whatever became of it."""
    earlier = client.get(f"{project}/releases", feature=release["feature"], limit=1)["items"]
    return Loaded(earlier[0], is_new=False) if earlier else Loaded(client.post(f"{project}/releases", release), is_new=True)
