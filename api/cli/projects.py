"""The commands for projects."""

from typing import Annotated

import typer

from api.cli.completion import offer_projects
from api.cli.crud import create_item, delete_item, list_items, rename_item, show_item
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.session import JsonOption, LimitOption, NameOption, NewKeyArgument, NewNameArgument, YesOption, provided
from api.client import path_of

app = command_group(
    "Projects: each owns environments, features, segments and pipelines.",
    "flaghoist projects create shop --name 'Web shop'",
)

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's key.", autocompletion=offer_projects)]


@app.command("list", rich_help_panel=LOOK)
def list_projects(context: typer.Context, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the projects visible to your key, by key."""
    list_items(context, "/projects", limit, as_json=as_json)


@app.command("show", rich_help_panel=LOOK)
def show_project(context: typer.Context, project: ProjectArgument, as_json: JsonOption = False) -> None:
    """Show a project."""
    show_item(context, path_of("projects", project), as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_project(context: typer.Context, project: NewKeyArgument, name: NameOption = None, as_json: JsonOption = False) -> None:
    """Create a project. Requires the instance role owner."""
    create_item(context, "/projects", provided(key=project, name=name), as_json=as_json)


@app.command("rename", rich_help_panel=CHANGE)
def rename_project(context: typer.Context, project: ProjectArgument, name: NewNameArgument, as_json: JsonOption = False) -> None:
    """Change a project's name. Its key stays the same."""
    rename_item(context, path_of("projects", project), name, as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_project(context: typer.Context, project: ProjectArgument, yes: YesOption = False) -> None:
    """Delete a project that has no unfinished release. Asks for confirmation."""
    effect = f"All environments, features, segments and pipelines of '{project}' are deleted with it."
    delete_item(context, path_of("projects", project), effect, yes=yes)
