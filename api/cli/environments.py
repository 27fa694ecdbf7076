"""Environments, from a terminal."""

from typing import Annotated

import typer

from api.cli.completion import offer_keys
from api.cli.crud import create_named, delete_named, list_named, rename_named, show_named
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, show_answer
from api.cli.session import AsJson, Limit, NewKey, NewName, ProjectOption, Renamed, Yes, calling, given
from api.client import path_of
from domain.evaluation.snapshot import KeyKind

app = typer.Typer(
    help=with_examples(
        "Environments: where flags are evaluated.",
        "flaghoist environments create staging -p shop",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Which = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Its key.", autocompletion=offer_keys("environments"))]


@app.command("list", rich_help_panel=LOOK)
def list_environments(context: typer.Context, project: ProjectOption, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The project's environments, by key."""
    list_named(context, path_of("projects", project, "environments"), limit, as_json=as_json)


@app.command("show", rich_help_panel=LOOK)
def show_environment(context: typer.Context, project: ProjectOption, environment: Which, as_json: AsJson = False) -> None:
    """One environment."""
    show_named(context, path_of("projects", project, "environments", environment), as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_environment(
    context: typer.Context, project: ProjectOption, environment: NewKey, name: NewName = None, as_json: AsJson = False
) -> None:
    """Make an environment; every feature has its default state in it."""
    create_named(context, path_of("projects", project, "environments"), given(key=environment, name=name), as_json=as_json)


@app.command("rename", rich_help_panel=CHANGE)
def rename_environment(
    context: typer.Context,
    project: ProjectOption,
    environment: Which,
    name: Renamed,
    as_json: AsJson = False,
) -> None:
    """Give an environment another name; its key stays."""
    rename_named(context, path_of("projects", project, "environments", environment), name, as_json=as_json)


@app.command("rotate-key", rich_help_panel=CHANGE)
def rotate_environment_key(
    context: typer.Context,
    project: ProjectOption,
    environment: Which,
    kind: Annotated[KeyKind, typer.Argument(metavar="KIND", help="client or server.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give an environment another client key or server key; applications that have the old one read nothing more; asks first."""
    path = path_of("projects", project, "environments", environment)
    with calling(context) as client:
        ask([f"Applications that read '{environment}' with its {kind} key of today get no more flags."], f"Rotate the {kind} key?", yes=yes)
        rotated = client.post(f"{path}/keys/{kind}/rotate")
    show_answer(rotated, f"The {kind} key of '{environment}' is now {rotated[f'{kind}_key']}.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_environment(context: typer.Context, project: ProjectOption, environment: Which, yes: Yes = False) -> None:
    """Delete an environment that no published pipeline and no unfinished release uses; asks first."""
    effect = f"The state of every flag in '{environment}' goes with it."
    delete_named(context, path_of("projects", project, "environments", environment), effect, yes=yes)
