"""The command that compares two environments."""

import json
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.output import show, show_json, show_table
from api.cli.session import JsonOption, ProjectOption, api_client, provided
from api.client import path_of
from api.embedded.format_event import own_shares_in_words
from domain.flags.share_text import shares_in_words

DIFFERENT = 1
"""Exit code with --exit-code: at least one feature differs."""


def compare_environments(
    context: typer.Context,
    project: ProjectOption,
    left: Annotated[str, typer.Argument(metavar="LEFT", help="An environment's key.", autocompletion=offer_keys("environments"))],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Another environment's key.", autocompletion=offer_keys("environments"))],
    other_project: Annotated[
        str | None, typer.Option(metavar="PROJECT", help="The project of RIGHT, if it is another one.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List the features that don't differ, too.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with exit code 1 if a feature differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the flags in two environments, field by field. Exit code 1 with --exit-code if a feature differs."""
    with api_client(context) as client:
        path = path_of("projects", project, "environments", left, "compare", right)
        found = list(client.items(path, differs=not every, limit=200, **provided(other_project=other_project)))
    if as_json:
        show_json(found)
    elif found:
        show_table(
            ["Feature", "Field", left, f"{right} of {other_project}" if other_project else right],
            [row for each in found for row in _rows(each)],
        )
    else:
        where = f" of '{other_project}'" if other_project else ""
        show(f"No feature differs between '{left}' and '{right}'{where}.")
    if exit_code and any(each["differences"] for each in found):
        raise typer.Exit(DIFFERENT)


def _rows(feature: dict[str, Any]) -> list[list[str]]:
    rows = [[each["field"], *(_in_words(each["field"], each[side]) for side in ("left", "right"))] for each in feature["differences"]]
    return [[feature["key"] if number == 0 else "", *row] for number, row in enumerate(rows or [["no difference", "", ""]])]


def _in_words(field: str, value: Any) -> str:
    """Describe a value in full: shortened, two different values could look the same."""
    if field == "feature":
        return "exists" if value else "missing"
    if field in ("enabled", "value"):
        return _state({field: value})
    if field == "allocation":
        return shares_in_words(value)
    if value is None:
        return "none"
    return f"{value['percent']}% get {_state(value) or 'the default'}" if field == "rollout" else _state(value)


def _state(state: dict[str, Any]) -> str:
    parts = [("on" if state["enabled"] else "off")] if "enabled" in state else []
    parts += [_quoted(state["value"])] if "value" in state else []
    parts += [f"{field} inherited" for field in state.get("inherits", ())]
    parts += [own_shares_in_words(state["allocation"])] if state.get("allocation") is not None else []
    parts += [f"priority {state['priority']}"] if "priority" in state else []
    return ", ".join(parts)


def _quoted(value: Any) -> str:
    return "no value" if value is None else json.dumps(value, ensure_ascii=False)
