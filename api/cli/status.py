"""The command for the health of the system."""

from typing import Any

import typer

from api.cli.output import local_time, show, show_json, show_table
from api.cli.session import JsonOption, api_client
from domain.duration import parse_duration, speak_duration

UNHEALTHY = 1
"""Exit code: something is late or unreachable."""


def show_status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the health of the system: workers, Temporal and overdue releases. Exit code 1 on a delay or an outage."""
    with api_client(context) as client:
        found = client.get("/status")
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found["condition"] != "ok":
        raise typer.Exit(UNHEALTHY)


def _show(found: dict[str, Any]) -> None:
    show(found["summary"], "green" if found["condition"] == "ok" else "red")
    versions, lateness = found["versions"], speak_duration(parse_duration(found["worst_lateness"]))
    parts = [
        ["Flaghoist", versions["flaghoist"]],
        ["Database", found["database"]],
        ["Temporal", f"{found['temporal']} {versions['temporal'] or ''}"],
        ["Overdue", f"{found['overdue_releases']}, the latest by {lateness}" if found["overdue_releases"] else "none"],
    ]
    show()
    show_table(["Part", "State"], parts)
    show()
    workers = [[each["identity"] or "(shown to owners)", local_time(each["seen_at"]), _state_of(each)] for each in found["workers"]]
    show_table(["Worker", "Last seen", "State"], workers)


def _state_of(worker: dict[str, Any]) -> str:
    if not worker["gets_work"]:
        return "gets no work"
    return "active" if worker["at_work"] else "silent"
