"""The routes that change existing resources, and the reasons of those that do not accept If-Match."""

from tests.api.rights import NEEDED

_CONTROL = "a release moves by itself, so controls compare the stage, the visit and the step (`expected_stage` and so on)"
_CONTROLS = ("pause", "resume", "advance", "skip", "retry", "restart", "remove", "rollback", "approve", "reject")

WITHOUT_IF_MATCH = {
    "POST /projects/{project}/pipelines/{pipeline}/simulate": "it changes nothing",
    "POST /projects/{project}/connection/check": "it changes nothing",
    "POST /projects/{project}/sources/{source}/check": "it changes nothing",
    "POST /projects/{project}/metrics/ask": "it changes nothing",
    "POST /projects/{project}/pipelines/{pipeline}/clone": "it creates a draft, and the version that it copies stays as it is",
    "POST /projects/{project}/webhooks/{webhook}/deliveries/{delivery}/resend": "it replaces nothing: the body of a delivery never changes",
} | {f"POST /projects/{{project}}/releases/{{release}}/{control}": _CONTROL for control in _CONTROLS}
"""Route -> the reason why it does not accept If-Match."""

_ACTIONS = ("/publish", "/archive", "/lift", "/keys/{kind}/rotate", "/rotate")


def creates(route: str) -> bool:
    """True if the route creates a resource in a collection."""
    method, path = route.split()
    return method == "POST" and path.rpartition("/")[2] in (
        "projects",
        "environments",
        "segments",
        "features",
        "pipelines",
        "releases",
        "freezes",
        "stops",
        "webhooks",
        "sources",
        "metrics",
        "keys",
    )


GUARDED = [route for route in NEEDED if not creates(route) and route not in WITHOUT_IF_MATCH]
"""The routes that change an existing resource. The project is deleted last."""


def resource_of(path: str) -> str:
    """Return the path of the resource that a request to this path changes."""
    for action in _ACTIONS:
        path = path.removesuffix(action.format(kind="client"))
    return path
