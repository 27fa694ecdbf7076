"""Projects, from a terminal."""

from typing import Annotated

import typer

from api.cli.completion import offer_projects
from api.cli.crud import create_named, delete_named, list_named, rename_named, show_named
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.session import AsJson, Limit, NewKey, NewName, Renamed, Yes, given
from api.client import path_of

app = typer.Typer(
    help=with_examples(
        "Projects: each owns its environments, features, segments and pipelines.",
        "flaghoist projects create shop --name 'Web shop'",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Which = Annotated[str, typer.Argument(metavar="PROJECT", help="Its key.", autocompletion=offer_projects)]


@app.command("list", rich_help_panel=LOOK)
def list_projects(context: typer.Context, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The projects that your key may see, by key."""
    list_named(context, "/projects", limit, as_json=as_json)


@app.command("show", rich_help_panel=LOOK)
def show_project(context: typer.Context, project: Which, as_json: AsJson = False) -> None:
    """One project."""
    show_named(context, path_of("projects", project), as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_project(context: typer.Context, project: NewKey, name: NewName = None, as_json: AsJson = False) -> None:
    """Make a project; this needs the instance role owner."""
    create_named(context, "/projects", given(key=project, name=name), as_json=as_json)


@app.command("rename", rich_help_panel=CHANGE)
def rename_project(
    context: typer.Context,
    project: Which,
    name: Renamed,
    as_json: AsJson = False,
) -> None:
    """Give a project another name; its key stays."""
    rename_named(context, path_of("projects", project), name, as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_project(context: typer.Context, project: Which, yes: Yes = False) -> None:
    """Delete a project in which no release is under way; asks first."""
    effect = f"All environments, features, segments and pipelines of '{project}' go with it."
    delete_named(context, path_of("projects", project), effect, yes=yes)
