"""The right that each changing route needs, and the table of docs/guide/security.md: `python -m tests.api.rights` prints it."""

import sys
from enum import IntEnum
from typing import NamedTuple


class Right(IntEnum):
    """A right. Each includes the ones before it."""

    READ = 1
    OPERATE_SOMEWHERE = 2
    OPERATE_THERE = 3
    OPERATE_EVERYWHERE = 4
    ADMINISTER = 5
    OWN = 6


ROLES = {
    "viewer": Right.READ,
    "operator elsewhere": Right.OPERATE_SOMEWHERE,
    "operator there": Right.OPERATE_THERE,
    "operator on all": Right.OPERATE_EVERYWHERE,
    "admin": Right.ADMINISTER,
    "owner": Right.OWN,
}
"""The right that each role has. *There* is an environment that the request is about."""


class Action(NamedTuple):
    """An action in words, the right that it needs, and its routes."""

    words: str
    right: Right
    routes: tuple[str, ...]


def _at(prefix: str, *routes: str) -> tuple[str, ...]:
    """Return the routes, given as method and end of the path."""
    return tuple(f"{method} {prefix}{path}" for method, _, path in (route.partition(" ") for route in routes))


_ENVIRONMENTS, _FEATURES, _SEGMENTS, _PIPELINES, _RELEASES, _FREEZES, _STOPS, _WEBHOOKS, _SOURCES, _METRICS = (
    f"/projects/{{project}}/{noun}"
    for noun in ("environments", "features", "segments", "pipelines", "releases", "freezes", "stops", "webhooks", "sources", "metrics")
)
_CONTROLS = tuple(f"POST /{{release}}/{control}" for control in ("pause", "resume", "advance", "skip", "retry", "restart", "remove"))

ACTIONS = (
    Action("simulate a pipeline", Right.READ, _at(_PIPELINES, "POST /{pipeline}/simulate")),
    Action("ask a stored metric", Right.READ, _at(_METRICS, "POST /ask")),
    Action("rename or describe a feature", Right.OPERATE_SOMEWHERE, _at(_FEATURES, "PATCH /{feature}")),
    Action("create a segment", Right.OPERATE_SOMEWHERE, _at(_SEGMENTS, "POST ")),
    Action("delete a segment that nothing uses", Right.OPERATE_SOMEWHERE, _at(_SEGMENTS, "DELETE /{segment}")),
    Action("change a segment that an override uses there", Right.OPERATE_THERE, _at(_SEGMENTS, "PATCH /{segment}")),
    Action("change a flag by hand", Right.OPERATE_THERE, _at(_ENVIRONMENTS, "PATCH /{environment}/features/{feature}")),
    Action("add a flag to a pipeline", Right.OPERATE_THERE, _at(_RELEASES, "POST ")),
    Action("pause, resume, advance, skip, retry, restart or remove a release", Right.OPERATE_THERE, _at(_RELEASES, *_CONTROLS)),
    Action("roll back a release", Right.OPERATE_THERE, _at(_RELEASES, "POST /{release}/rollback")),
    Action("approve or reject a stage", Right.OPERATE_THERE, _at(_RELEASES, "POST /{release}/approve", "POST /{release}/reject")),
    Action("freeze an environment, or end its freeze", Right.OPERATE_THERE, _at(_FREEZES, "POST ", "DELETE /{freeze}")),
    Action("stop an environment", Right.OPERATE_THERE, _at(_STOPS, "POST ")),
    Action("create or delete a feature", Right.OPERATE_EVERYWHERE, _at(_FEATURES, "POST ", "DELETE /{feature}")),
    Action("lift somebody else's stop", Right.ADMINISTER, _at(_STOPS, "POST /{stop}/lift")),
    Action(
        "write, delete, publish, clone or archive a pipeline",
        Right.ADMINISTER,
        _at(
            _PIPELINES,
            "POST ",
            "PUT /{pipeline}",
            "DELETE /{pipeline}",
            "POST /{pipeline}/publish",
            "POST /{pipeline}/clone",
            "POST /{pipeline}/archive",
        ),
    ),
    Action(
        "create, rename or delete an environment",
        Right.ADMINISTER,
        _at(_ENVIRONMENTS, "POST ", "PATCH /{environment}", "DELETE /{environment}"),
    ),
    Action("rotate the key of an environment", Right.ADMINISTER, _at(_ENVIRONMENTS, "POST /{environment}/keys/{kind}/rotate")),
    Action(
        "create, change, rotate or delete a webhook, or resend a delivery",
        Right.ADMINISTER,
        _at(
            _WEBHOOKS,
            "POST ",
            "PATCH /{webhook}",
            "DELETE /{webhook}",
            "POST /{webhook}/rotate",
            "POST /{webhook}/deliveries/{delivery}/resend",
        ),
    ),
    Action(
        "create, rotate or revoke a key with no more rights than one's own",
        Right.ADMINISTER,
        _at("/keys", "POST ", "POST /{key}/rotate", "DELETE /{key}"),
    ),
    Action("rename a project", Right.ADMINISTER, _at("/projects", "PATCH /{project}")),
    Action(
        "connect a project to another flag system, check it, or disconnect it",
        Right.ADMINISTER,
        _at("/projects/{project}/connection", "POST /check", "PUT ", "DELETE "),
    ),
    Action(
        "create, change, check or delete a metric source",
        Right.ADMINISTER,
        _at(_SOURCES, "POST ", "PUT /{source}", "DELETE /{source}", "POST /{source}/check"),
    ),
    Action("create, change or delete a metric", Right.ADMINISTER, _at(_METRICS, "POST ", "PUT /{metric}", "DELETE /{metric}")),
    Action("create or delete a project", Right.OWN, _at("/projects", "POST ", "DELETE /{project}")),
)

NEEDED = {route: action.right for action in ACTIONS for route in action.routes}
"""Route -> the right that it needs, in an order in which the project is deleted last."""


def rights_table() -> str:
    """Return the table with one row per action and one column per role."""
    lines = [f"| action | {' | '.join(ROLES)} |", "|---" * (len(ROLES) + 1) + "|"]
    for action in ACTIONS:
        cells = ("yes" if has >= action.right else "no" for has in ROLES.values())
        lines.append(f"| {action.words} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(rights_table() + "\n")
