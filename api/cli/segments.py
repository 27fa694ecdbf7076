"""Segments, from a terminal."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.documents import read_document, show_document
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, show, show_answer, show_json, show_table
from api.cli.session import AsJson, Limit, ProjectOption, Yes, calling, wrong_usage
from api.client import first, path_of

app = typer.Typer(
    help=with_examples(
        "Segments: named sets of identities, given by rules over traits.",
        "flaghoist segments create beta-users.yaml",
        "flaghoist segments export beta-users > beta-users.yaml",
        "flaghoist segments replace beta-users beta-users.yaml",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Which = Annotated[str, typer.Argument(metavar="SEGMENT", help="Its key.", autocompletion=offer_keys("segments"))]
Definition = Annotated[
    Path, typer.Argument(metavar="FILE", help="Key, name and rules, in JSON or YAML; - reads standard input.", allow_dash=True)
]


@app.command("list", rich_help_panel=LOOK)
def list_segments(context: typer.Context, project: ProjectOption, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The project's segments, by key."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "segments")))
    if as_json:
        show_json(found)
    else:
        show_table(["Key", "Name", "Rules"], [[each["key"], each["name"], _in_words(each)] for each in found])


@app.command("show", rich_help_panel=LOOK)
def show_segment(context: typer.Context, project: ProjectOption, segment: Which, as_json: AsJson = False) -> None:
    """One segment, with its rules."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "segments", segment))
    show_answer(found, f"{found['name']} ({found['key']}): {_in_words(found)}", as_json=as_json)


@app.command("export", rich_help_panel=LOOK)
def export_segment(context: typer.Context, project: ProjectOption, segment: Which, as_json: AsJson = False) -> None:
    """Print a segment in YAML (or JSON), to be edited and given to `replace`."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "segments", segment))
    show_document({field: found[field] for field in ("key", "name", "rules")}, as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_segment(context: typer.Context, project: ProjectOption, file: Definition, as_json: AsJson = False) -> None:
    """Make a segment from a file."""
    definition = read_document(file)
    with calling(context) as client:
        made = client.post(path_of("projects", project, "segments"), definition)
    _show_saved(made, f"Made '{made['key']}'.", as_json=as_json)


@app.command("replace", rich_help_panel=CHANGE)
def replace_segment(context: typer.Context, project: ProjectOption, segment: Which, file: Definition, as_json: AsJson = False) -> None:
    """Change a segment's name and rules to those in a file; what the file leaves out stays."""
    definition = read_document(file)
    if isinstance(definition, dict) and definition.pop("key", segment) != segment:
        raise wrong_usage(f"{file} defines another segment than '{segment}', and a key never changes.")
    with calling(context) as client:
        changed = client.patch(path_of("projects", project, "segments", segment), definition)
    _show_saved(changed, f"'{changed['key']}' is now: {_in_words(changed)}", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_segment(context: typer.Context, project: ProjectOption, segment: Which, yes: Yes = False) -> None:
    """Delete a segment that no override, published pipeline or unfinished release uses; asks first."""
    with calling(context) as client:
        path = path_of("projects", project, "segments", segment)
        found = client.get(path)
        ask([_in_words(found)], f"Delete '{found['key']}' ({found['name']}), for good?", yes=yes)
        client.delete(path)
    show(f"Deleted '{segment}'.")


def _show_saved(segment: dict[str, Any], line: str, *, as_json: bool) -> None:
    show_answer(segment, line, as_json=as_json)
    for warning in [] if as_json else segment["warnings"]:
        show(f"Warning: {warning['message']} ({warning['pointer']})", "yellow")


def _in_words(segment: dict[str, Any]) -> str:
    return "; ".join(_rule(rule) for rule in segment["rules"]) or "nobody"


def _rule(rule: dict[str, Any]) -> str:
    conditions = [
        " ".join(str(part) for part in (each["property"], each["operator"], each["value"]) if part is not None)
        for each in rule["conditions"]
    ]
    return f"{rule['type'].lower()} of ({', '.join([*conditions, *map(_rule, rule['rules'])])})"
