"""The command that follows releases until they end."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from api.cli.lazy import LazyModule
from api.cli.output import console_of, local_time, show, table_of
from api.cli.usage import REFUSED
from api.client import ApiClient, path_of
from domain.releases.status import UNFINISHED, ReleaseStatus, status_in_words

if TYPE_CHECKING:
    from rich import console, live
else:
    console, live = LazyModule("rich.console"), LazyModule("rich.live")

POLL_SECONDS = 1.0

Release = dict[str, Any]


def watch_one(client: ApiClient, project: str, release: str, *, as_json: bool) -> None:
    """Print a line for each change of a release until it ends. Exit code 1 if it did not complete."""
    lines = _Lines(as_json=as_json)
    while not (found := client.get(path_of("projects", project, "releases", release)))["ended_at"]:
        lines.update([found])
        time.sleep(POLL_SECONDS)
    lines.update([found])
    raise typer.Exit(_exit_code([found]))


def watch_all(client: ApiClient, project: str, *, as_json: bool) -> None:
    """Follow every unfinished release until none is left: in a live table on a terminal, otherwise with a line for each change."""
    stdout = console_of(sys.stdout)
    if not as_json and not _unfinished(client, project):
        show("No unfinished releases.")
        return
    if as_json or not stdout.is_terminal:
        raise typer.Exit(_follow(client, project, _Lines(as_json=as_json, named=True).update))
    with live.Live(console=stdout, auto_refresh=False) as display:
        code = _follow(client, project, lambda releases: display.update(_table(releases), refresh=True))
    raise typer.Exit(code)


def waiting_for(release: Release) -> str:
    """Explain in a sentence why the release isn't moving, if it isn't."""
    return release["waiting_for"]["message"] if release["waiting_for"] else ""


class _Lines:
    """Prints a line for a release whenever it has changed."""

    def __init__(self, *, as_json: bool, named: bool = False) -> None:
        self.as_json = as_json
        self.named = named
        self.printed: dict[str, str] = {}

    def update(self, releases: list[Release]) -> None:
        """Print a line for each release that differs from its last line."""
        for release in releases:
            line = self._line(release)
            if self.printed.get(release["id"]) != line:
                show(line)
                self.printed[release["id"]] = line

    def _line(self, release: Release) -> str:
        if self.as_json:
            return json.dumps(release)
        name = f"{release['feature']} on {release['pipeline']['key']} ({release['id']}): " if self.named else ""
        return f"{name}{status_in_words(release['status'])} in '{release['stage']}'. {waiting_for(release)}".strip()


def _follow(client: ApiClient, project: str, update: Callable[[list[Release]], None]) -> int:
    """Report every release that was unfinished at some time, until all have ended. Return the exit code."""
    seen: dict[str, Release] = {}
    while True:
        unfinished = _unfinished(client, project)
        ended = [each for each in seen.values() if not each["ended_at"] and each["id"] not in unfinished]
        seen |= {each["id"]: client.get(path_of("projects", project, "releases", each["id"])) for each in ended}
        seen |= unfinished
        update(list(seen.values()))
        if all(each["ended_at"] for each in seen.values()):
            return _exit_code(seen.values())
        time.sleep(POLL_SECONDS)


def _unfinished(client: ApiClient, project: str) -> dict[str, Release]:
    path = path_of("projects", project, "releases")
    statuses = [status for status in ReleaseStatus if status in UNFINISHED]
    return {each["id"]: each for status in statuses for each in client.items(path, status=status.value)}


def _exit_code(ended: Iterable[Release]) -> int:
    return 0 if all(each["status"] == ReleaseStatus.COMPLETED for each in ended) else REFUSED


def _table(releases: list[Release]) -> "console.RenderableType":
    rows = [
        [
            each["feature"],
            each["pipeline"]["key"],
            f"{each['stage_index'] + 1}. {each['stage']}",
            status_in_words(each["status"]),
            local_time(each["entered_at"]),
            waiting_for(each),
            each["id"],
        ]
        for each in sorted(releases, key=lambda each: each["feature"])
    ]
    return table_of(["Feature", "Pipeline", "Stage", "Status", "Since", "Waiting for", "Release"], rows)
