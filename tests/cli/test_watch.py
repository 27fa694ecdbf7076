"""The command that follows releases."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TextIO

import pytest

from tests.cli.conftest import Terminal
from tests.http import OWNER_KEY, Api
from tests.waiting import wait_for


@pytest.fixture
def two(api: Api, terminal: Terminal, published: str) -> list[str]:
    """Two unfinished releases, and one that ended before."""
    api.post("/projects/shop/features", {"key": "banner"})
    api.post(f"/projects/shop/releases/{api.add('banner')['id']}/remove")
    return [api.add()["id"], api.add("banner")["id"]]


@contextmanager
def removed_while_watching(api: Api, releases: list[str]) -> Iterator[None]:
    """Remove the releases one after another, each when the screen shows the previous step."""
    other = api.with_key(OWNER_KEY)
    original_stdout = sys.stdout

    def remove_all() -> None:
        for number, release in enumerate(releases):
            wait_for("the screen to show the step before", partial(_shows, original_stdout, release, number), interval=0.05)
            other.post(f"/projects/shop/releases/{release}/remove")

    thread = threading.Thread(target=remove_all)
    thread.start()
    yield
    thread.join()


def _shows(original_stdout: TextIO, release: str, removed: int) -> bool:
    screen = _screen(original_stdout)
    return release in screen and screen.count("removed") >= removed


def _screen(original_stdout: TextIO) -> str:
    """Return what the running command has printed so far."""
    return "" if sys.stdout is original_stdout else bytes(getattr(sys.stdout.buffer, "getvalue", bytes)()).decode()


def test_all_unfinished_releases_are_followed_until_they_end(terminal: Terminal, api: Api, two: list[str]) -> None:
    with removed_while_watching(api, two):
        terminal.run("releases", "watch")

    assert terminal.code == 1
    # On a slow machine the reason for waiting may change and give further lines.
    steps = list(dict.fromkeys(line.split(". ", 1)[0].rstrip(".") for line in terminal.out.splitlines()))
    assert sorted(steps[:2]) == sorted(
        [
            f"checkout on standard ({two[0]}): starting in 'Development'",
            f"banner on standard ({two[1]}): starting in 'Development'",
        ]
    )
    assert steps[2:] == [
        f"checkout on standard ({two[0]}): removed in 'Development'",
        f"banner on standard ({two[1]}): removed in 'Development'",
    ]


def test_json_output_is_one_document_per_step(terminal: Terminal, api: Api, two: list[str]) -> None:
    with removed_while_watching(api, two):
        terminal.run("releases", "watch", "--json")

    steps = [json.loads(line) for line in terminal.out.splitlines()]
    assert [step["id"] for step in steps if step["status"] == "removed"] == two


def test_a_terminal_shows_a_live_table(terminal: Terminal, api: Api, two: list[str]) -> None:
    terminal.environment |= {"TERM": "xterm", "TTY_COMPATIBLE": "1", "COLUMNS": "200"}

    with removed_while_watching(api, two):
        terminal.run("releases", "watch")

    assert terminal.code == 1
    assert "\x1b[2K" in terminal.out
    assert "1. Development" in terminal.out
    assert "removed" in terminal.out


def test_without_unfinished_releases_there_is_nothing_to_watch(terminal: Terminal, published: str) -> None:
    assert terminal.run("releases", "watch").code == 0
    assert terminal.out == "No unfinished releases.\n"
    assert terminal.run("releases", "watch", "--json").out == ""
