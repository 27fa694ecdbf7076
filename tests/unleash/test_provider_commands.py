"""`flaghoist provider` against a real Unleash."""

from collections.abc import Iterator

import pytest
import structlog

from tests.cli.conftest import Terminal
from tests.emptied import empty_database
from tests.http import Api
from tests.unleash.connections import new_project
from tests.unleash.server import UnleashServer
from tests.unleash.source import Source

pytestmark = pytest.mark.xdist_group("unleash")


@pytest.fixture
def terminal(shared_api_on_sqlite: Api, shared_sqlite: str, unleash: UnleashServer) -> Iterator[Terminal]:
    """A terminal with an empty project, and with the token of an administrator of Unleash."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    project = new_project(shared_api_on_sqlite).rpartition("/")[2]
    yield Terminal(shared_api_on_sqlite.address, FLAGHOIST_PROJECT=project, UNLEASH_TOKEN=unleash.admin_token)
    empty_database(shared_sqlite)
    structlog.reset_defaults()


def test_project_is_connected_checked_shown_and_disconnected(terminal: Terminal, unleash: UnleashServer) -> None:
    connect = ("provider", "connect", "unleash", unleash.address, "--environment", "live=production")

    tried = terminal.run(*connect, "--dry-run").out
    assert "works  /environments/live" in tried
    assert terminal.read_json("provider", "show")["kind"] == "builtin"

    assert f"kept in unleash at {unleash.address}" in terminal.run(*connect).out
    assert terminal.code == 0
    shown = terminal.run("provider", "show").out
    assert "live         production" in shown
    assert "can't    set a value for everyone" in shown
    assert terminal.read_json("provider", "check")["passed"]
    assert terminal.read_json(*connect, "--calls", "2", "--keep-credential")["calls"] == 2

    declined = terminal.run("provider", "disconnect", answers="n\n")
    assert "[y/N]" in declined.err
    assert terminal.read_json("provider", "show")["kind"] == "unleash"
    assert terminal.run("provider", "disconnect", "--yes").out.startswith("Disconnected")
    assert terminal.read_json("provider", "show")["kind"] == "builtin"


def test_feature_is_shown_with_what_others_made(terminal: Terminal, unleash: UnleashServer) -> None:
    name = Source(unleash).feature("Shown", {"title": "Made by a person"})
    terminal.run("provider", "connect", "unleash", unleash.address)

    shown = terminal.run("features", "show", name.lower()).out

    assert f"Its name over there is {name}." in shown
    assert "development: The strategy 'Made by a person' was not made by Flaghoist" in shown


def test_variants_are_defined_here_and_nothing_else(terminal: Terminal, unleash: UnleashServer) -> None:
    name = Source(unleash).feature("Split").lower()
    terminal.run("provider", "connect", "unleash", unleash.address)

    terminal.run("features", "change", name, "--variant", "one-page=One page", "--variant", "wizard")

    assert 'Variants: one-page "One page", wizard' in terminal.run("features", "show", name).out
    renamed = terminal.run("features", "change", name, "--name", "Other", "--variant", "third=3")
    assert renamed.code == 1
    assert "are kept in Unleash" in renamed.err


def test_failed_check_names_everything_and_has_exit_code_1(terminal: Terminal, unleash: UnleashServer) -> None:
    wrong = ("unleash", unleash.address, "--environment", "live=prod", "--environment", "qa=test")

    checked = terminal.run("provider", "connect", *wrong, "--dry-run")
    assert checked.code == 1
    assert "fails  /environments/live" in checked.out
    assert "fails  /environments/qa" in checked.out

    refused = terminal.run("provider", "connect", *wrong)
    assert refused.code == 1
    assert "/environments/live" in refused.err


def test_token_is_asked_for_and_never_an_argument(shared_api_on_sqlite: Api, terminal: Terminal, unleash: UnleashServer) -> None:
    asking = Terminal(shared_api_on_sqlite.address, FLAGHOIST_PROJECT=terminal.environment["FLAGHOIST_PROJECT"])

    connected = asking.run("provider", "connect", "unleash", unleash.address, answers=f"{unleash.admin_token}\n")

    assert connected.code == 0, connected.err
    assert unleash.admin_token not in connected.out + connected.err
    assert asking.run("provider", "connect", "unleash", unleash.address, "--credential", "x").code == 2
