"""The commands for environments."""

from typing import Annotated, Literal

import typer

from api.cli.comparison import compare_environments
from api.cli.completion import offer_keys
from api.cli.crud import create_item, delete_item, list_items, rename_item, show_item
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import confirm, show_response
from api.cli.session import (
    JsonOption,
    LimitOption,
    NameOption,
    NewKeyArgument,
    NewNameArgument,
    ProjectOption,
    YesOption,
    api_client,
    provided,
)
from api.client import path_of

app = command_group(
    "Environments: where flags are evaluated.",
    "flaghoist environments create staging -p shop",
    "flaghoist environments compare staging production -p shop",
)

EnvironmentArgument = Annotated[
    str, typer.Argument(metavar="ENVIRONMENT", help="The environment's key.", autocompletion=offer_keys("environments"))
]


@app.command("list", rich_help_panel=LOOK)
def list_environments(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the project's environments, by key."""
    list_items(context, path_of("projects", project, "environments"), limit, as_json=as_json)


@app.command("show", rich_help_panel=LOOK)
def show_environment(context: typer.Context, project: ProjectOption, environment: EnvironmentArgument, as_json: JsonOption = False) -> None:
    """Show an environment."""
    show_item(context, path_of("projects", project, "environments", environment), as_json=as_json)


app.command("compare", rich_help_panel=LOOK)(compare_environments)


@app.command("create", rich_help_panel=CHANGE)
def create_environment(
    context: typer.Context, project: ProjectOption, environment: NewKeyArgument, name: NameOption = None, as_json: JsonOption = False
) -> None:
    """Create an environment. Every feature starts in it with its default state."""
    create_item(context, path_of("projects", project, "environments"), provided(key=environment, name=name), as_json=as_json)


@app.command("rename", rich_help_panel=CHANGE)
def rename_environment(
    context: typer.Context,
    project: ProjectOption,
    environment: EnvironmentArgument,
    name: NewNameArgument,
    as_json: JsonOption = False,
) -> None:
    """Change an environment's name. Its key stays the same."""
    rename_item(context, path_of("projects", project, "environments", environment), name, as_json=as_json)


@app.command("rotate-key", rich_help_panel=CHANGE)
def rotate_environment_key(
    context: typer.Context,
    project: ProjectOption,
    environment: EnvironmentArgument,
    kind: Annotated[Literal["client", "server"], typer.Argument(metavar="KIND", help="client or server.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Rotate an environment's client or server key. The old key stops working at once. Asks for confirmation."""
    path = path_of("projects", project, "environments", environment)
    effect = f"Applications using the current {kind} key of '{environment}' will stop receiving flags."
    with api_client(context) as client:
        _, etag = client.get_with_etag(path)
        confirm([effect], f"Rotate the {kind} key?", yes=yes)
        rotated = client.post(f"{path}/keys/{kind}/rotate", etag=etag)
    show_response(rotated, f"The {kind} key of '{environment}' is now {rotated[f'{kind}_key']}.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_environment(context: typer.Context, project: ProjectOption, environment: EnvironmentArgument, yes: YesOption = False) -> None:
    """Delete an environment that no published pipeline and no unfinished release uses. Asks for confirmation."""
    effect = f"The state of every flag in '{environment}' is deleted with it."
    delete_item(context, path_of("projects", project, "environments", environment), effect, yes=yes)
