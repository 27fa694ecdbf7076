"""Releases, followed while they climb."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import typer
from rich.console import RenderableType
from rich.live import Live

from api.cli.output import console_of, moment, show, table_of
from api.cli.session import REFUSED
from api.client import ApiClient, path_of
from domain.releases.status import UNFINISHED, ReleaseStatus, status_in_words

LOOK_EVERY = 1.0

Release = dict[str, Any]


def watch_one(client: ApiClient, project: str, release: str, *, as_json: bool) -> None:
    """Follow a release to its end, one line for each step; exit code 1 if it ends before its last stage."""
    told = _Lines(as_json=as_json)
    while not (found := client.get(path_of("projects", project, "releases", release)))["ended_at"]:
        told.tell([found])
        time.sleep(LOOK_EVERY)
    told.tell([found])
    raise typer.Exit(_code([found]))


def watch_all(client: ApiClient, project: str, *, as_json: bool) -> None:
    """Follow every unfinished release until none is under way: a table in a terminal, otherwise a line for each step."""
    console = console_of(sys.stdout)
    if not as_json and not _under_way(client, project):
        show("No release is under way.")
        return
    if as_json or not console.is_terminal:
        raise typer.Exit(_follow(client, project, _Lines(as_json=as_json, naming=True).tell))
    with Live(console=console, auto_refresh=False) as live:
        code = _follow(client, project, lambda releases: live.update(_table(releases), refresh=True))
    raise typer.Exit(code)


def why(release: Release) -> str:
    """Why it isn't moving, in a sentence."""
    return release["waiting_for"]["message"] if release["waiting_for"] else ""


class _Lines:
    """Tells of a release whenever something about it changed."""

    def __init__(self, *, as_json: bool, naming: bool = False) -> None:
        self.as_json = as_json
        self.naming = naming
        self.told: dict[str, str] = {}

    def tell(self, releases: list[Release]) -> None:
        """Print a line for each release that is not as it was."""
        for release in releases:
            line = self._line(release)
            if self.told.get(release["id"]) != line:
                show(line)
                self.told[release["id"]] = line

    def _line(self, release: Release) -> str:
        if self.as_json:
            return json.dumps(release)
        name = f"{release['feature']} on {release['pipeline']['key']} ({release['id']}): " if self.naming else ""
        return f"{name}{status_in_words(release['status'])} in '{release['stage']}'. {why(release)}".strip()


def _follow(client: ApiClient, project: str, tell: Callable[[list[Release]], None]) -> int:
    """Tell of all that were under way at any time, until all have ended."""
    seen: dict[str, Release] = {}
    while True:
        under_way = _under_way(client, project)
        gone = [each for each in seen.values() if not each["ended_at"] and each["id"] not in under_way]
        seen |= {each["id"]: client.get(path_of("projects", project, "releases", each["id"])) for each in gone}
        seen |= under_way
        tell(list(seen.values()))
        if all(each["ended_at"] for each in seen.values()):
            return _code(seen.values())
        time.sleep(LOOK_EVERY)


def _under_way(client: ApiClient, project: str) -> dict[str, Release]:
    path = path_of("projects", project, "releases")
    unfinished = [status for status in ReleaseStatus if status in UNFINISHED]
    return {each["id"]: each for status in unfinished for each in client.items(path, status=status.value)}


def _code(ended: Iterable[Release]) -> int:
    return 0 if all(each["status"] == ReleaseStatus.COMPLETED for each in ended) else REFUSED


def _table(releases: list[Release]) -> RenderableType:
    rows = [
        [
            each["feature"],
            each["pipeline"]["key"],
            f"{each['stage_index'] + 1}. {each['stage']}",
            status_in_words(each["status"]),
            moment(each["entered_at"]),
            why(each),
            each["id"],
        ]
        for each in sorted(releases, key=lambda each: each["feature"])
    ]
    return table_of(["Feature", "Pipeline", "Stage", "Status", "Since", "Waiting for", "Release"], rows)
