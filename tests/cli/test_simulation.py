"""The commands for simulations and templates, and parameters."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api

LAUNCH = Path(__file__).parents[2] / "examples" / "scheduled-launch.json"


@pytest.fixture
def launch(terminal: Terminal) -> str:
    """The key of a published pipeline with parameters."""
    terminal.run("pipelines", "create", str(LAUNCH))
    assert terminal.run("pipelines", "publish", "launch", "--yes").code == 0, terminal.err
    return "launch"


def test_a_simulation_shows_the_times_and_fails_if_there_are_obstacles(terminal: Terminal, launch: str) -> None:
    times = ["--at", "2026-11-01T08:00Z", "--timezone", "Europe/London", "--parameter", "launch_at=2026-11-02T09:00Z"]

    incomplete = terminal.run("simulate", launch, *times)
    assert incomplete.code == 1
    assert "Obstacle: Stage 'Preparation' needs the parameter 'value'" in incomplete.out

    complete = terminal.run("simulate", launch, *times, "--parameter", "value=sale", "--feature", "checkout")
    assert complete.code == 0, complete.err
    assert "Mon 2026-11-02 09:00:00 +0000" in complete.out
    assert "Completed at Wed 2026-11-04 09:00:00 +0000." in complete.out


def test_parameters_are_parsed_as_the_declared_types(terminal: Terminal, launch: str) -> None:
    added = terminal.read_json(
        "releases", "add", "checkout", launch, "--yes", "--parameter", "launch_at=2030-01-01T09:00Z", "--parameter", "value=5 = five"
    )

    assert added["parameters"] == {"launch_at": "2030-01-01T09:00Z", "value": "5 = five"}


def test_declared_and_given_parameters_are_shown(terminal: Terminal, launch: str) -> None:
    assert "Parameter launch_at (datetime): When the flag goes on" in terminal.run("pipelines", "show", launch).out

    given = ["--parameter", "launch_at=2030-01-01T09:00Z", "--parameter", "value=sale"]
    assert 'value = "sale"' in terminal.run("releases", "add", "checkout", launch, *given, answers="n\n").err


@pytest.mark.parametrize(
    ("typed", "message"),
    [(["value"], "must be NAME=VALUE"), (["=x"], "must be NAME=VALUE"), (["value=a", "value=b"], "given twice for 'value'")],
)
def test_an_invalid_parameter_is_a_usage_error(terminal: Terminal, launch: str, typed: list[str], message: str) -> None:
    options = [word for each in typed for word in ("--parameter", each)]

    assert terminal.run("releases", "add", "checkout", launch, *options).code == 2
    assert message in terminal.err


def test_an_invalid_integer_is_a_usage_error(terminal: Terminal, tmp_path: Path) -> None:
    action = {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "limit"}}
    stages = [{"name": "A", "environment": "staging", "trigger": {"type": "ON_ENTER"}, "actions": [action]}]
    file = tmp_path / "limit.json"
    file.write_text(json.dumps({"key": "limit", "name": "Limit", "parameters": {"limit": {"type": "integer"}}, "stages": stages}))
    terminal.run("pipelines", "create", str(file))
    terminal.run("pipelines", "publish", "limit", "--yes")

    assert terminal.run("releases", "add", "checkout", "limit", "--parameter", "limit=many").code == 2
    assert "--parameter limit must be an integer" in terminal.err


def test_templates_are_listed_and_drafted_with_other_keys(terminal: Terminal) -> None:
    assert "progressive-rollout: " in terminal.run("templates").out
    assert "after 2 d" in terminal.out

    drafted = terminal.read_json(
        "pipelines", "create", "--template", "progressive-rollout", "--key", "web", "--segment", "beta-users=staff"
    )

    assert (drafted["key"], drafted["stages"][2]["actions"][0]["segment"]) == ("web", "staff")


@pytest.mark.parametrize(
    "typed", [[], [str(LAUNCH), "--template", "segment-trial"], [str(LAUNCH), "--key", "mine"], ["--template", "x", "--segment", "a"]]
)
def test_a_draft_needs_either_a_file_or_a_template(terminal: Terminal, typed: list[str]) -> None:
    assert terminal.run("pipelines", "create", *typed).code == 2
    assert terminal.err


def test_a_rollout_is_shown_and_ended_by_hand(terminal: Terminal, api: Api) -> None:
    path = "/projects/shop/environments/staging/features/checkout"
    api.patch(path, {"rollout": {"percent": 40, "enabled": True, "value": "new"}})

    assert '40% get on, value "new"' in terminal.run("features", "show", "checkout").out
    done = terminal.run("features", "set", "checkout", "-e", "staging", "--end-rollout", "--yes")

    assert (done.code, done.err) == (0, "")
    assert terminal.read_json("features", "show", "checkout")["environments"]["staging"]["rollout"] is None
