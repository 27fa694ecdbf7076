"""The command that rolls a release back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from activities.store.database import Database
from api.cli.manual_commands import restore_command
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
    """The database behind the API, in which the test does the worker's part."""
    api.publish(pipeline(*STAGES))
    database = Database(sqlite_url)
    yield world_of(database)
    database.close()


@pytest.fixture
def release(api: Api, world: World) -> str:
    """A release that is waiting for its last stage."""
    added = str(api.add()["id"])
    for _ in range(2):
        act(world, world.release(added))
    return added


def test_a_rollback_shows_each_field_before_and_after_and_asks(terminal: Terminal, release: str) -> None:
    terminal.run("releases", "rollback", release, "--reason", "it fails", "--wait", "0", answers="y\n")

    assert terminal.code == 0
    shown = terminal.err.splitlines()
    assert shown[:3] == [
        "development: on → off",
        'development: value "one" → "classic"',
        "production: for beta-users: on → default",
    ]
    assert "Roll back 'checkout'? [y/N]" in terminal.err
    assert "Rollback, requested by bootstrap: pending." in terminal.out
    assert terminal.read_json("releases", "show", release)["rollback"]["reason"] == "it fails"


def test_a_rollback_to_a_stage_undoes_only_later_changes(terminal: Terminal, world: World, release: str) -> None:
    terminal.run("releases", "rollback", release, "--to-stage", "development", "--force", "--wait", "0", answers="y\n")

    assert "production: for beta-users" in terminal.err
    assert "development: " not in terminal.err
    assert "Roll back 'checkout' to the state after 'Development'? [y/N]" in terminal.err
    put_back(world, world.release(release))
    terminal.run("releases", "show", release)
    assert "paused in 'Beta'" in terminal.out
    assert "Rollback to 'Development', requested by bootstrap: done." in terminal.out


def test_the_preview_shows_fields_left_alone_and_how_to_restore_them(api: Api, terminal: Terminal, release: str) -> None:
    api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})

    terminal.run("releases", "rollback", release, answers="n\n")
    forced = Terminal(api.address).run("releases", "rollback", release, "--force", answers="n\n")

    assert 'Left alone in development: value "by hand" → "classic" (changed by hand since).' in terminal.err
    assert "--force also restores fields that were changed by hand." in terminal.err
    assert "flaghoist features set checkout -e development --value classic" in terminal.err
    assert 'development: value "by hand" → "classic"' in forced.err.splitlines()
    assert "Left alone" not in forced.err


def test_the_result_shows_fields_left_alone(api: Api, terminal: Terminal, world: World, release: str) -> None:
    api.patch("/projects/shop/environments/development/features/checkout", {"value": "by hand"})
    api.patch("/projects/shop/environments/production/features/checkout", {"overrides": {"beta-users": {"enabled": False}}})

    with ThreadPoolExecutor(1) as worker:
        done = worker.submit(_put_back_on_request, world, release)
        terminal.run("releases", "rollback", release, "--yes", "--wait", "120")
        done.result()

    assert (terminal.code, "rolled back in 'Production'" in terminal.out) == (0, True)
    assert 'Left alone in development: value "by hand" → "classic" (changed by hand since).' in terminal.out
    assert "  flaghoist features set checkout -e development --value classic" in terminal.out
    assert "  flaghoist features set checkout -e production -s beta-users --no-override" in terminal.out


def _put_back_on_request(world: World, release: str) -> None:
    wait_for("the rollback to be requested", lambda: world.release(release).rollback, interval=0.02)
    put_back(world, world.release(release))


@pytest.mark.parametrize(
    ("field", "before", "options"),
    [
        ("enabled", False, "--disabled"),
        ("value", None, "--no-value"),
        ("value", "it's one", """--value 'it'"'"'s one'"""),
        ("rollout", None, "--end-rollout"),
        ("overrides/beta", {"value": 3, "inherits": ["enabled"], "priority": 2}, "-s beta --value 3 --inherit enabled --priority 2"),
    ],
)
def test_each_field_has_a_restore_command(field: str, before: object, options: str) -> None:
    left_alone = {"environment": "production", "field": field, "because": "changed_by_hand", "before": before}

    assert restore_command(left_alone, "checkout") == f"flaghoist features set checkout -e production {options}"


def test_rollouts_and_deleted_environments_have_no_restore_command() -> None:
    left_alone = {"environment": "production", "field": "rollout", "because": "changed_by_hand", "before": {"percent": 10}}

    assert restore_command(left_alone, "checkout") is None
    assert restore_command(left_alone | {"field": "value", "because": "environment_gone"}, "checkout") is None


def test_an_unknown_stage_is_refused(api: Api, terminal: Terminal, release: str) -> None:
    terminal.run("releases", "rollback", release, "--to-stage", "Moon", answers="y\n")

    assert terminal.code == 1
    assert "/to_stage" in terminal.err
    assert api.release(release)["rollback"] is None


def test_the_preview_says_when_there_is_nothing_to_restore(api: Api, terminal: Terminal, world: World) -> None:
    added = str(api.add()["id"])

    terminal.run("releases", "rollback", added, answers="n\n")

    assert terminal.code == 1
    assert "nothing to restore" in terminal.err
