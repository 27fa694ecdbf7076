"""The audit log, from a terminal."""

from datetime import datetime, timedelta

import pytest

from tests.cli.conftest import Terminal


def test_what_was_done_is_listed_in_words(terminal: Terminal) -> None:
    terminal.types("features", "set", "checkout", "-e", "staging", "--enabled", "--value", "one-page")

    terminal.types("audit", "--event", "flag.changed")

    assert 'off → on; value "classic" → "one-page"' in terminal.out
    assert "checkout / staging" in terminal.out


def test_the_log_is_filtered_and_cut(terminal: Terminal) -> None:
    assert len(terminal.reads("audit", "--limit", "2")) == 2
    assert {each["feature"] for each in terminal.reads("audit", "--feature", "checkout")} == {"checkout"}
    assert terminal.reads("audit", "--owner", "nobody") == []


def test_every_filter_narrows_the_log(terminal: Terminal, published: str) -> None:
    release = terminal.reads("releases", "add", "checkout", "standard", "--yes")["id"]
    terminal.types("releases", "remove", release, "--yes")
    terminal.types("features", "set", "checkout", "-e", "staging", "--enabled")

    def events(*filters: str) -> set[str]:
        return {each["event"] for each in terminal.reads("audit", *filters)}

    assert events("--environment", "staging") == {"environment.created", "flag.changed"}
    assert events("--segment", "staff") == {"segment.created"}
    assert events("--pipeline", "standard", "--event", "release.added") == {"release.added"}
    assert events("--stage", "Beta") == set()
    assert events("--release", release) == {"release.added", "release.removed"}
    assert events("--since", "1h") == events() != set()
    assert events("--until", "1h") == events("--since", "2999-12-31") == set()


def test_a_time_without_an_offset_is_of_this_machine(terminal: Terminal) -> None:
    ours = datetime.now() + timedelta(minutes=5)  # noqa: DTZ005  it is a time without a zone that is tested

    assert terminal.reads("audit", "--since", f"{ours:%Y-%m-%dT%H:%M}") == []
    assert terminal.reads("audit", "--until", f"{ours:%Y-%m-%d %H:%M}") != []


@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "", "0001-01-01", "9999-12-31T23:59:59-12:00"])
def test_what_is_no_time_is_wrong_usage_or_refused(terminal: Terminal, typed: str) -> None:
    assert terminal.types("audit", "--since", typed).code in (1, 2)

    assert terminal.err
