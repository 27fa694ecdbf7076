"""Rolling back from a terminal: what will be put back is shown, and what was left alone is told."""

from collections.abc import Iterator

import pytest

from activities.store.database import Database
from tests.activities.acting import act, put_back
from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import enable, pipeline, set_value, stage
from tests.world import World, world_of

STAGES = [
    stage("Development", actions=[enable(), set_value("one")]),
    stage("Beta", "production", actions=[enable("beta-users")]),
    stage("Production", "production", "24h"),
]


@pytest.fixture
def world(api: Api, terminal: Terminal, sqlite_url: str) -> Iterator[World]:
    """The database behind the API, in which a worker's part is done by hand."""
    api.publish(pipeline(*STAGES))
    database = Database(sqlite_url)
    yield world_of(database)
    database.close()


@pytest.fixture
def release(api: Api, world: World) -> str:
    """A release that waits for its last stage."""
    added = str(api.add()["id"])
    for _ in range(2):
        act(world, world.release(added))
    return added


def test_what_is_put_back_is_shown_the_latest_first_before_it_is_asked(terminal: Terminal, release: str) -> None:
    terminal.types("releases", "rollback", release, "--reason", "it fails", answers="y\n")

    assert terminal.code == 0
    shown = [line for line in terminal.err.splitlines() if ": " in line]
    assert shown[:2] == ["Beta (production): for beta-users: on → as everyone", "Development (development): on → off"]
    assert 'Development (development): value "one" → "classic"' in terminal.err
    assert "what somebody changed since is left alone" in terminal.err
    assert "Roll back 'checkout'? [y/N]" in terminal.err
    assert "Rollback, asked by bootstrap: to be done." in terminal.out
    assert terminal.reads("releases", "show", release)["rollback"]["reason"] == "it fails"


def test_only_what_was_done_after_the_stage_is_shown_and_undone(terminal: Terminal, world: World, release: str) -> None:
    terminal.types("releases", "rollback", release, "--to-stage", "development", "--force", answers="y\n")

    assert "Beta (production)" in terminal.err
    assert "Development (development)" not in terminal.err
    assert "what somebody changed since is put back too" in terminal.err
    assert "Roll back 'checkout' to what 'development' left? [y/N]" in terminal.err
    put_back(world, world.release(release))
    terminal.types("releases", "show", release)
    assert "paused in 'Beta'" in terminal.out
    assert "Rollback to 'Development', asked by bootstrap: done." in terminal.out


def test_what_was_left_alone_is_told(api: Api, terminal: Terminal, world: World, release: str) -> None:
    api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    terminal.types("releases", "rollback", release, "--yes")
    put_back(world, world.release(release))

    terminal.types("releases", "show", release)

    assert 'Left alone in development: value is "by hand"; somebody changed it since.' in terminal.out


def test_it_holds_for_nothing_else_than_what_was_shown(api: Api, terminal: Terminal, release: str) -> None:
    terminal.types("releases", "rollback", release, "--to-stage", "Moon", answers="y\n")

    assert terminal.code == 1
    assert "/to_stage" in terminal.err
    assert api.release(release)["rollback"] is None


def test_a_release_that_has_done_nothing_says_so(api: Api, terminal: Terminal, world: World) -> None:
    added = str(api.add()["id"])

    terminal.types("releases", "rollback", added, answers="n\n")

    assert terminal.code == 1
    assert "changed nothing" in terminal.err
