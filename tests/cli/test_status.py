"""The command for the health of the system."""

import json

from tests.cli.conftest import Terminal


def test_an_outage_is_reported_and_has_an_exit_code(terminal: Terminal) -> None:
    code, output = terminal.run("status").code, terminal.out
    json_code = terminal.run("status", "--json").code

    assert (code, json_code) == (1, 1)
    assert output.startswith("An outage: Temporal can't be reached")
    assert "unreachable" in output
    assert json.loads(terminal.out)["condition"] == "temporal_unavailable"
