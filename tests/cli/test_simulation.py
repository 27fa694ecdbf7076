"""Simulations, templates and parameters, from a terminal."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api

LAUNCH = Path(__file__).parents[2] / "examples" / "scheduled-launch.json"


@pytest.fixture
def launch(terminal: Terminal) -> str:
    """The key of a published pipeline with parameters."""
    terminal.types("pipelines", "create", str(LAUNCH))
    assert terminal.types("pipelines", "publish", "launch", "--yes").code == 0, terminal.err
    return "launch"


def test_a_simulation_shows_when_each_stage_acts_and_says_by_its_exit_code_whether_anything_is_in_the_way(
    terminal: Terminal, launch: str
) -> None:
    times = ["--at", "2026-11-01T08:00Z", "--timezone", "Europe/London", "--parameter", "launch_at=2026-11-02T09:00Z"]

    short = terminal.types("simulate", launch, *times)
    assert short.code == 1
    assert "In the way: Stage 'Preparation' needs the parameter 'value'" in short.out

    whole = terminal.types("simulate", launch, *times, "--parameter", "value=sale", "--feature", "checkout")
    assert whole.code == 0, whole.err
    assert "Mon 2026-11-02 09:00:00 +0000" in whole.out
    assert "Done at Wed 2026-11-04 09:00:00 +0000." in whole.out


def test_parameters_are_typed_as_the_pipeline_declares_them(terminal: Terminal, launch: str) -> None:
    added = terminal.reads(
        "releases", "add", "checkout", launch, "--yes", "--parameter", "launch_at=2030-01-01T09:00Z", "--parameter", "value=5 = five"
    )

    assert added["parameters"] == {"launch_at": "2030-01-01T09:00Z", "value": "5 = five"}


def test_the_parameters_of_a_pipeline_are_shown_and_what_was_given_is_shown_before_it_is_added(terminal: Terminal, launch: str) -> None:
    assert "Parameter launch_at (datetime): When the flag goes on" in terminal.types("pipelines", "show", launch).out

    given = ["--parameter", "launch_at=2030-01-01T09:00Z", "--parameter", "value=sale"]
    assert 'value = "sale"' in terminal.types("releases", "add", "checkout", launch, *given, answers="n\n").err


@pytest.mark.parametrize(
    ("written", "words"), [(["value"], "takes NAME=VALUE"), (["=x"], "takes NAME=VALUE"), (["value=a", "value=b"], "names 'value' twice")]
)
def test_a_parameter_that_makes_no_sense_is_wrong_usage(terminal: Terminal, launch: str, written: list[str], words: str) -> None:
    options = [word for each in written for word in ("--parameter", each)]

    assert terminal.types("releases", "add", "checkout", launch, *options).code == 2
    assert words in terminal.err


def test_a_number_that_is_none_is_wrong_usage(terminal: Terminal, tmp_path: Path) -> None:
    action = {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "limit"}}
    stages = [{"name": "A", "environment": "staging", "trigger": {"type": "ON_ENTER"}, "actions": [action]}]
    file = tmp_path / "limit.json"
    file.write_text(json.dumps({"key": "limit", "name": "Limit", "parameters": {"limit": {"type": "integer"}}, "stages": stages}))
    terminal.types("pipelines", "create", str(file))
    terminal.types("pipelines", "publish", "limit", "--yes")

    assert terminal.types("releases", "add", "checkout", "limit", "--parameter", "limit=many").code == 2
    assert "--parameter limit must be a whole number" in terminal.err


def test_templates_are_listed_and_drafted_under_ones_own_names(terminal: Terminal) -> None:
    assert "progressive-rollout: " in terminal.types("templates").out
    assert "after 2 d" in terminal.out

    drafted = terminal.reads("pipelines", "create", "--template", "progressive-rollout", "--key", "web", "--segment", "beta-users=staff")

    assert (drafted["key"], drafted["stages"][2]["actions"][0]["segment"]) == ("web", "staff")


@pytest.mark.parametrize(
    "typed", [[], [str(LAUNCH), "--template", "segment-trial"], [str(LAUNCH), "--key", "mine"], ["--template", "x", "--segment", "a"]]
)
def test_a_draft_is_made_of_one_thing(terminal: Terminal, typed: list[str]) -> None:
    assert terminal.types("pipelines", "create", *typed).code == 2
    assert terminal.err


def test_a_rollout_is_shown_and_ended_by_hand(terminal: Terminal, api: Api) -> None:
    path = "/projects/shop/environments/staging/features/checkout"
    api.patch(path, {"rollout": {"percent": 40, "enabled": True, "value": "new"}})

    assert '40 % get on, value "new"' in terminal.types("features", "show", "checkout").out
    done = terminal.types("features", "set", "checkout", "-e", "staging", "--end-rollout", "--yes")

    assert (done.code, done.err) == (0, "")
    assert terminal.reads("features", "show", "checkout")["environments"]["staging"]["rollout"] is None
