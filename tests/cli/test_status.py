"""The state of the system, from a terminal."""

import json

from tests.cli.conftest import Terminal


def test_an_outage_is_told_and_has_an_exit_code(terminal: Terminal) -> None:
    in_words, said = terminal.types("status").code, terminal.out
    in_json = terminal.types("status", "--json").code

    assert (in_words, in_json) == (1, 1)
    assert said.startswith("An outage: Temporal can't be reached")
    assert "unreachable" in said
    assert json.loads(terminal.out)["condition"] == "temporal_unavailable"
