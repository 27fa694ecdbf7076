"""Rolling back from a terminal: what will be put back is shown, and what was left alone is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from activities.store.database import Database
from api.cli.manual_commands import command_for
from tests.activities.acting import act, put_back
from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import enable, pipeline, set_value, stage
from tests.waiting import wait_for
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


def test_what_is_put_back_is_shown_as_it_is_and_as_it_will_be_before_it_is_asked(terminal: Terminal, release: str) -> None:
    terminal.types("releases", "rollback", release, "--reason", "it fails", "--wait", "0", answers="y\n")

    assert terminal.code == 0
    shown = terminal.err.splitlines()
    assert shown[:3] == [
        "development: on → off",
        'development: value "one" → "classic"',
        "production: for beta-users: on → as everyone",
    ]
    assert "Roll back 'checkout'? [y/N]" in terminal.err
    assert "Rollback, asked by bootstrap: to be done." in terminal.out
    assert terminal.reads("releases", "show", release)["rollback"]["reason"] == "it fails"


def test_only_what_was_done_after_the_stage_is_shown_and_undone(terminal: Terminal, world: World, release: str) -> None:
    terminal.types("releases", "rollback", release, "--to-stage", "development", "--force", "--wait", "0", answers="y\n")

    assert "production: for beta-users" in terminal.err
    assert "development: " not in terminal.err
    assert "Roll back 'checkout' to what 'Development' left? [y/N]" in terminal.err
    put_back(world, world.release(release))
    terminal.types("releases", "show", release)
    assert "paused in 'Beta'" in terminal.out
    assert "Rollback to 'Development', asked by bootstrap: done." in terminal.out


def test_what_would_be_left_alone_is_shown_with_what_helps(api: Api, terminal: Terminal, release: str) -> None:
    api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})

    terminal.types("releases", "rollback", release, answers="n\n")
    forced = Terminal(api.address).types("releases", "rollback", release, "--force", answers="n\n")

    assert 'Left alone in development: value "by hand" → "classic"; somebody changed it since.' in terminal.err
    assert "--force puts back what somebody changed, too." in terminal.err
    assert "flaghoist features set checkout -e development --value classic" in terminal.err
    assert 'development: value "by hand" → "classic"' in forced.err.splitlines()
    assert "Left alone" not in forced.err


def test_what_was_left_alone_is_told_as_soon_as_it_is_done(api: Api, terminal: Terminal, world: World, release: str) -> None:
    api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    api.patch("/projects/shop/environments/production/features/checkout", {"overrides": {"beta-users": {"enabled": False}}})

    with ThreadPoolExecutor(1) as worker:
        done = worker.submit(_once_asked, world, release)
        terminal.types("releases", "rollback", release, "--yes")
        done.result()

    assert (terminal.code, "rolled back in 'Production'" in terminal.out) == (0, True)
    assert 'Left alone in development: value "by hand" → "classic"; somebody changed it since.' in terminal.out
    assert "  flaghoist features set checkout -e development --value classic" in terminal.out
    assert "  flaghoist features set checkout -e production -s beta-users --no-override" in terminal.out


def _once_asked(world: World, release: str) -> None:
    wait_for("the rollback to be requested", lambda: world.release(release).rollback, interval=0.02)
    put_back(world, world.release(release))


@pytest.mark.parametrize(
    ("field", "before", "words"),
    [
        ("enabled", False, "--disabled"),
        ("value", None, "--no-value"),
        ("value", "it's one", """--value 'it'"'"'s one'"""),
        ("rollout", None, "--end-rollout"),
        ("overrides/beta", {"value": 3, "inherits": ["enabled"], "priority": 2}, "-s beta --value 3 --inherit enabled --priority 2"),
    ],
)
def test_each_field_has_its_command(field: str, before: object, words: str) -> None:
    left = {"environment": "production", "field": field, "because": "changed_by_hand", "before": before}

    assert command_for(left, "checkout") == f"flaghoist features set checkout -e production {words}"


def test_no_command_puts_back_a_rollout_or_what_is_gone() -> None:
    left = {"environment": "production", "field": "rollout", "because": "changed_by_hand", "before": {"percent": 10}}

    assert command_for(left, "checkout") is None
    assert command_for(left | {"field": "value", "because": "environment_gone"}, "checkout") is None


def test_it_holds_for_nothing_else_than_what_was_shown(api: Api, terminal: Terminal, release: str) -> None:
    terminal.types("releases", "rollback", release, "--to-stage", "Moon", answers="y\n")

    assert terminal.code == 1
    assert "/to_stage" in terminal.err
    assert api.release(release)["rollback"] is None


def test_a_release_that_has_done_nothing_says_so(api: Api, terminal: Terminal, world: World) -> None:
    added = str(api.add()["id"])

    terminal.types("releases", "rollback", added, answers="n\n")

    assert terminal.code == 1
    assert "nothing to put back" in terminal.err
