"""Releases, followed from a terminal while they climb."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.cli import watching
from tests.cli.conftest import Terminal
from tests.http import Api


@pytest.fixture
def two(api: Api, terminal: Terminal, published: str) -> list[str]:
    """Two releases under way, and one that ended before."""
    api.post("/projects/shop/features", {"key": "banner"})
    api.post(f"/projects/shop/releases/{api.add('banner')['id']}/remove")
    return [api.add()["id"], api.add("banner")["id"]]


@contextmanager
def removed_soon(api: Api, releases: list[str]) -> Iterator[None]:
    """Meanwhile, somebody takes them out one after the other."""
    other = api.with_key(str(api.client.headers["Authorization"]).removeprefix("Bearer "))
    timers = [
        threading.Timer(watching.LOOK_EVERY * (number + 0.5), other.post, [f"/projects/shop/releases/{release}/remove"])
        for number, release in enumerate(releases)
    ]
    for timer in timers:
        timer.start()
    yield
    for timer in timers:
        timer.join()


def test_all_that_are_under_way_are_followed_until_none_is(terminal: Terminal, api: Api, two: list[str]) -> None:
    with removed_soon(api, two):
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
    with removed_soon(api, two):
        terminal.types("releases", "watch", "--json")

    steps = [json.loads(line) for line in terminal.out.splitlines()]
    assert [step["id"] for step in steps if step["status"] == "removed"] == two


def test_a_terminal_shows_a_table_that_is_drawn_anew(terminal: Terminal, api: Api, two: list[str]) -> None:
    terminal.environment |= {"TERM": "xterm", "TTY_COMPATIBLE": "1", "COLUMNS": "200"}

    with removed_soon(api, two):
        terminal.types("releases", "watch")

    assert terminal.code == 1
    assert "\x1b[2K" in terminal.out
    assert "1. Development" in terminal.out
    assert "removed" in terminal.out


def test_where_nothing_is_under_way_there_is_nothing_to_watch(terminal: Terminal, published: str) -> None:
    assert terminal.types("releases", "watch").code == 0
    assert terminal.out == "No release is under way.\n"
    assert terminal.types("releases", "watch", "--json").out == ""
