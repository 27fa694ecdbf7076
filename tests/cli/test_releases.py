"""Releases, from a terminal. Temporal is down meanwhile, so they wait to start."""

from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import pipeline, rollout, stage


def add(terminal: Terminal, *more: str) -> str:
    return str(terminal.reads("releases", "add", "checkout", "standard", "--yes", *more)["id"])


def test_a_flag_is_added_after_its_way_was_shown(terminal: Terminal, published: str) -> None:
    terminal.types("releases", "add", "checkout", "standard", "--stage", "beta", answers="y\n")

    assert terminal.code == 0
    assert "Beta (production), after 1 d: enable for beta-users" in terminal.err
    assert "Development" not in terminal.err
    assert "flaghoist releases watch" in terminal.out


def test_a_no_adds_nothing(terminal: Terminal, published: str) -> None:
    assert terminal.types("releases", "add", "checkout", "standard", answers="n\n").code == 1

    assert terminal.reads("releases", "list") == []
    assert terminal.types("releases", "list").out == "None.\n"


def test_a_flag_that_is_on_its_way_is_refused(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    assert terminal.types("releases", "add", "checkout", "standard", "--yes").code == 1

    assert release in terminal.err


def test_an_unknown_stage_is_refused_with_its_pointer(terminal: Terminal, published: str) -> None:
    assert terminal.types("releases", "add", "checkout", "standard", "--stage", "Moon", "--yes").code == 1

    assert "/starting_stage" in terminal.err


def test_releases_are_listed_and_shown(terminal: Terminal, published: str) -> None:
    release = add(terminal, "--on-conflict", "overwrite")

    assert release in terminal.types("releases", "list", "--feature", "checkout").out
    assert release not in terminal.types("releases", "list", "--status", "completed").out
    terminal.types("releases", "show", release)

    assert "checkout on standard version 1: starting in 'Development'" in terminal.out
    assert f"release%2Fshop%2Fcheckout%2F{release}" in terminal.out
    assert terminal.reads("releases", "show", release)["on_conflict"] == "overwrite"


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
    assert [[each["id"] for each in terminal.reads("releases", "list", *each)] for each in kept] == [[release]] * len(kept)
    assert [terminal.reads("releases", "list", *each) for each in dropped] == [[]] * len(dropped)
    assert terminal.types("releases", "list", "--status", "asleep").code == 2


def test_a_release_is_removed_after_what_is_left_was_shown(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    terminal.types("releases", "remove", release, "--reason", "too early", answers="y\n")

    assert terminal.code == 0
    assert "these stages will not act: Development, Beta, Watch." in terminal.err
    assert terminal.reads("releases", "show", release)["status"] == "removed"
    assert terminal.reads("audit", "--event", "release.removed")[0]["reason"] == "too early"


def test_no_step_of_a_rollout_is_to_come_once_its_release_was_removed(terminal: Terminal, api: Api) -> None:
    api.publish(pipeline(stage("Everyone", "production", wait="1h", actions=[rollout()])))
    release = api.add()["id"]
    before = terminal.types("releases", "show", release).out

    terminal.types("releases", "remove", release, "--yes")
    after = terminal.types("releases", "show", release).out

    assert before.count("pending") > 1
    assert "pending" not in after


def test_a_no_removes_nothing(terminal: Terminal, published: str) -> None:
    release = add(terminal)

    assert terminal.types("releases", "remove", release, answers="n\n").code == 1

    assert terminal.reads("releases", "show", release)["status"] == "starting"


def test_watching_ends_with_the_release(terminal: Terminal, published: str) -> None:
    release = add(terminal)
    terminal.types("releases", "remove", release, "--yes")

    assert terminal.types("releases", "watch", release).code == 1

    assert "removed in 'Development'" in terminal.out


def test_a_retry_that_makes_no_sense_is_refused(terminal: Terminal, published: str) -> None:
    release = add(terminal)
    terminal.types("releases", "remove", release, "--yes")

    assert terminal.types("releases", "retry", release, "--overwrite").code == 1

    assert "removed" in terminal.err


def test_what_is_typed_stays_in_its_place_in_the_path(terminal: Terminal, api: Api, published: str) -> None:
    assert terminal.types("releases", "show", "../pipelines").code == 1
    assert terminal.types("releases", "show", "?limit=1").code == 1
