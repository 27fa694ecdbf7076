"""Releases, followed from a terminal while they climb."""

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
    """Two releases under way, and one that ended before."""
    api.post("/projects/shop/features", {"key": "banner"})
    api.post(f"/projects/shop/releases/{api.add('banner')['id']}/remove")
    return [api.add()["id"], api.add("banner")["id"]]


@contextmanager
def removed_meanwhile(api: Api, releases: list[str]) -> Iterator[None]:
    """Somebody takes them out one after the other, each once the screen shows the step before."""
    other = api.with_key(OWNER_KEY)
    screen_before = sys.stdout

    def remove_all() -> None:
        for number, release in enumerate(releases):
            wait_for("the screen to show the step before", partial(_shows, screen_before, release, number), interval=0.05)
            other.post(f"/projects/shop/releases/{release}/remove")

    somebody = threading.Thread(target=remove_all)
    somebody.start()
    yield
    somebody.join()


def _shows(screen_before: TextIO, release: str, removed: int) -> bool:
    screen = _screen(screen_before)
    return release in screen and screen.count("removed") >= removed


def _screen(screen_before: TextIO) -> str:
    """What the command that runs has printed so far."""
    return "" if sys.stdout is screen_before else bytes(getattr(sys.stdout.buffer, "getvalue", bytes)()).decode()


def test_all_that_are_under_way_are_followed_until_none_is(terminal: Terminal, api: Api, two: list[str]) -> None:
    with removed_meanwhile(api, two):
        terminal.types("releases", "watch")

    assert terminal.code == 1
    told = [line.split(" Waits", 1)[0].split(". ", 1)[0].rstrip(".") for line in terminal.out.splitlines()]
    assert sorted(told[:2]) == sorted(
        [
            f"checkout on standard ({two[0]}): starting in 'Development'",
            f"banner on standard ({two[1]}): starting in 'Development'",
        ]
    )
    assert told[2:] == [
        f"checkout on standard ({two[0]}): removed in 'Development'",
        f"banner on standard ({two[1]}): removed in 'Development'",
    ]


def test_each_step_is_a_document_with_json(terminal: Terminal, api: Api, two: list[str]) -> None:
    with removed_meanwhile(api, two):
        terminal.types("releases", "watch", "--json")

    steps = [json.loads(line) for line in terminal.out.splitlines()]
    assert [step["id"] for step in steps if step["status"] == "removed"] == two


def test_a_terminal_shows_a_table_that_is_drawn_anew(terminal: Terminal, api: Api, two: list[str]) -> None:
    terminal.environment |= {"TERM": "xterm", "TTY_COMPATIBLE": "1", "COLUMNS": "200"}

    with removed_meanwhile(api, two):
        terminal.types("releases", "watch")

    assert terminal.code == 1
    assert "\x1b[2K" in terminal.out
    assert "1. Development" in terminal.out
    assert "removed" in terminal.out


def test_where_nothing_is_under_way_there_is_nothing_to_watch(terminal: Terminal, published: str) -> None:
    assert terminal.types("releases", "watch").code == 0
    assert terminal.out == "No release is under way.\n"
    assert terminal.types("releases", "watch", "--json").out == ""
