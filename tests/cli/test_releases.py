"""The commands for releases. Temporal is down, so all releases are starting."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import pipeline, rollout, stage


def add(terminal: Terminal, *more: str) -> str:
    return str(terminal.read_json("releases", "add", "checkout", "standard", "--yes", *more)["id"])


def test_adding_a_flag_shows_the_stages_and_asks(terminal: Terminal, published: str) -> None:
    terminal.run("releases", "add", "checkout", "standard", "--stage", "beta", answers="y\n")

    assert terminal.code == 0
    assert "Beta (production), after 1 d: enable for beta-users" in terminal.err
    assert "Development" not in terminal.err
    assert "flaghoist releases watch" in terminal.out


def test_declining_adds_nothing(terminal: Terminal, published: str) -> None:
    assert terminal.run("releases", "add", "checkout", "standard", answers="n\n").code == 1

    assert terminal.read_json("releases", "list") == []
    assert terminal.run("releases", "list").out == "None.\n"


@pytest.mark.parametrize(("options", "answers", "code"), [((), "y\ny\n", 0), (("--yes",), "", 0), ((), "y\nn\n", 1)])
def test_adding_a_flag_to_a_lower_share_asks_again(api: Api, terminal: Terminal, options: tuple[str], answers: str, code: int) -> None:
    api.publish(pipeline(stage("Ramp", "production", actions=[rollout()])))
    api.patch("/projects/shop/environments/production/features/checkout", {"rollout": {"percent": 50, "enabled": True}})

    terminal.run("releases", "add", "checkout", "standard", *options, answers=answers)

    assert terminal.code == code
    assert ("from 50% to 10%" in terminal.err) == (not options)
    assert len(api.get("/projects/shop/releases")["items"]) == (code == 0)


def test_a_flag_in_an_unfinished_release_cannot_be_added(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    assert terminal.run("releases", "add", "checkout", "standard", "--yes").code == 1

    assert release in terminal.err


def test_an_unknown_stage_is_refused_with_its_pointer(terminal: Terminal, published: str) -> None:
    assert terminal.run("releases", "add", "checkout", "standard", "--stage", "Moon", "--yes").code == 1

    assert "/starting_stage" in terminal.err


def test_releases_are_listed_and_shown(terminal: Terminal, published: str) -> None:
    release = add(terminal, "--on-conflict", "overwrite")

    assert release in terminal.run("releases", "list", "--feature", "checkout").out
    assert release not in terminal.run("releases", "list", "--status", "completed").out
    terminal.run("releases", "show", release)

    assert "checkout on standard version 1: starting in 'Development'" in terminal.out
    assert f"release%2Fshop%2Fcheckout%2F{release}" in terminal.out
    assert terminal.read_json("releases", "show", release)["on_conflict"] == "overwrite"


def test_every_filter_narrows_the_list(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    kept = (
        ("--pipeline", "standard"),
        ("--environment", "development"),
        ("--stage", "Development"),
        ("--status", "starting"),
        ("--added-by", "bootstrap"),
        ("--since", "1h"),
    )
    dropped = (
        ("--pipeline", "other"),
        ("--environment", "production"),
        ("--stage", "Beta"),
        ("--status", "blocked"),
        ("--added-by", "nobody"),
        ("--until", "1h"),
    )
    assert [[each["id"] for each in terminal.read_json("releases", "list", *each)] for each in kept] == [[release]] * len(kept)
    assert [terminal.read_json("releases", "list", *each) for each in dropped] == [[]] * len(dropped)
    assert terminal.run("releases", "list", "--status", "asleep").code == 2


def test_removing_shows_the_remaining_stages_and_asks(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    terminal.run("releases", "remove", release, "--reason", "too early", answers="y\n")

    assert terminal.code == 0
    assert "Stages that will not act: Development, Beta, Watch." in terminal.err
    assert terminal.read_json("releases", "show", release)["status"] == "removed"
    assert terminal.read_json("audit", "--event", "release.removed")[0]["reason"] == "too early"


def test_a_removed_release_has_no_pending_rollout_steps(terminal: Terminal, api: Api) -> None:
    api.publish(pipeline(stage("Everyone", "production", wait="1h", actions=[rollout()])))
    release = api.add()["id"]
    before = terminal.run("releases", "show", release).out

    terminal.run("releases", "remove", release, "--yes")
    after = terminal.run("releases", "show", release).out

    assert before.count("pending") > 1
    assert "pending" not in after


def test_declining_removes_nothing(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    assert terminal.run("releases", "remove", release, answers="n\n").code == 1

    assert terminal.read_json("releases", "show", release)["status"] == "starting"


def test_watch_ends_with_the_release(terminal: Terminal, published: str) -> None:
    release = add(terminal)
    terminal.run("releases", "remove", release, "--yes")

    assert terminal.run("releases", "watch", release).code == 1

    assert "removed in 'Development'" in terminal.out


def test_retrying_an_ended_release_is_refused(terminal: Terminal, published: str) -> None:
    release = add(terminal)
    terminal.run("releases", "remove", release, "--yes")

    assert terminal.run("releases", "retry", release, "--overwrite").code == 1

    assert "removed" in terminal.err


def test_arguments_are_escaped_in_paths(terminal: Terminal, api: Api, published: str) -> None:
    assert terminal.run("releases", "show", "../pipelines").code == 1
    assert terminal.run("releases", "show", "?limit=1").code == 1
