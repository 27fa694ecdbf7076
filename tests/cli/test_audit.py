"""The audit log, from a terminal."""

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
