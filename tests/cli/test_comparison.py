"""The command that compares two environments."""

from tests.cli.conftest import Terminal
from tests.http import Api

COMPARE = ("environments", "compare", "development", "production")


def _change(api: Api, environment: str, **patch: object) -> None:
    api.patch(f"/projects/shop/environments/{environment}/features/checkout", patch)


def _rows(output: str) -> list[list[str]]:
    """Return the cells of a table, which are separated by at least two spaces."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.splitlines()]


def test_each_field_that_differs_is_a_row(terminal: Terminal, api: Api) -> None:
    _change(api, "development", enabled=True, value=None, overrides={"staff": {"enabled": True, "priority": 1}})
    _change(api, "production", rollout={"percent": 12.5}, overrides={"staff": {"enabled": True}, "beta-users": {"value": "new"}})

    compared = terminal.run(*COMPARE)

    assert (compared.code, compared.err) == (0, "")
    assert _rows(compared.out) == [
        ["Feature", "Field", "development", "production"],
        ["checkout", "enabled", "on", "off"],
        ["value", "no value", '"classic"'],
        ["rollout", "none", "12.5% get the default"],
        ["overrides/beta-users", "none", '"new", enabled inherited, priority 1'],
        ["overrides/staff", "on, value inherited, priority 1", "on, value inherited, priority 0"],
    ]


def test_long_values_that_differ_at_their_end_are_shown_in_full(terminal: Terminal, api: Api) -> None:
    long = "x" * 100
    _change(api, "production", rollout={"percent": 10, "enabled": True, "value": f"{long}a"})
    _change(api, "development", rollout={"percent": 10, "enabled": True, "value": f"{long}b"})

    terminal.run(*COMPARE)

    assert f'10% get on, "{long}a"' in terminal.out
    assert f'10% get on, "{long}b"' in terminal.out


def test_the_exit_code_tells_scripts_if_there_are_differences_only_if_they_ask(terminal: Terminal, api: Api) -> None:
    same = [terminal.run(*COMPARE, *options).code for options in ((), ("--exit-code",), ("--exit-code", "--all"))]
    assert terminal.run(*COMPARE).out == "No feature differs between 'development' and 'production'.\n"

    _change(api, "production", enabled=True)
    different = [terminal.run(*COMPARE, *options).code for options in ((), ("--exit-code",), ("--exit-code", "--json"))]

    assert (same, different) == ([0, 0, 0], [0, 1, 1])


def test_features_without_a_difference_are_listed_if_asked(terminal: Terminal, api: Api) -> None:
    _change(api, "production", enabled=True)
    api.post("/projects/shop/features", {"key": "banner"})

    assert [each["key"] for each in terminal.read_json(*COMPARE)] == ["checkout"]
    assert [each["key"] for each in terminal.read_json(*COMPARE, "--all")] == ["banner", "checkout"]
    assert ["banner", "no difference"] in _rows(terminal.run(*COMPARE, "--all").out)


def test_an_environment_is_not_compared_with_itself_or_an_unknown_one(terminal: Terminal) -> None:
    assert terminal.run("environments", "compare", "staging", "staging").code == 1
    assert "choose two different environments" in terminal.err

    assert terminal.run("environments", "compare", "staging", "prodution").code == 1
    assert "Did you mean 'production'?" in terminal.err


def test_environments_of_two_projects_are_compared(terminal: Terminal, api: Api) -> None:
    api.make_project("other")
    api.post("/projects/other/features", {"key": "banner"})
    _change(api, "development", enabled=True)

    compared = terminal.run("environments", "compare", "development", "staging", "--other-project", "other")

    assert _rows(compared.out) == [
        ["Feature", "Field", "development", "staging of other"],
        ["banner", "feature", "missing", "exists"],
        ["checkout", "enabled", "on", "off"],
    ]
