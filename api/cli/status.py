"""The state of the system, from a terminal."""

from typing import Any

import typer

from api.cli.output import moment, show, show_json, show_table
from api.cli.session import AsJson, calling
from domain.duration import parse_duration, speak_duration

OUT_OF_ORDER = 1
"""Exit code: something is late, or can't be reached."""


def show_status(context: typer.Context, as_json: AsJson = False) -> None:
    """Whether all is well: workers, Temporal, and what is late. Exit code 0 if it is, 1 where there is a delay or an outage."""
    with calling(context) as client:
        found = client.get("/status")
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found["condition"] != "ok":
        raise typer.Exit(OUT_OF_ORDER)


def _show(found: dict[str, Any]) -> None:
    show(found["summary"], "green" if found["condition"] == "ok" else "red")
    versions, late = found["versions"], speak_duration(parse_duration(found["worst_lateness"]))
    facts = [
        ["Flaghoist", versions["flaghoist"]],
        ["Database", found["database"]],
        ["Temporal", f"{found['temporal']} {versions['temporal'] or ''}"],
        ["Overdue", f"{found['overdue_releases']}, the latest by {late}" if found["overdue_releases"] else "none"],
    ]
    show()
    show_table(["Part", "State"], facts)
    show()
    workers = [
        [each["identity"] or "(named to owners)", moment(each["seen_at"]), "seen lately" if each["at_work"] else "silent"]
        for each in found["workers"]
    ]
    show_table(["Worker", "Last seen", "State"], workers)
