"""The commands for the flag system in which a project's flags are kept."""

import os
from typing import Annotated, Any

import typer

from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import confirm, local_time, show, show_error, show_json, show_response, show_table
from api.cli.parameters import parse_pairs
from api.cli.session import JsonOption, ProjectOption, YesOption, api_client, provided
from api.cli.usage import REFUSED
from api.client import path_of

TOKENS = {
    "unleash": ("UNLEASH_TOKEN", "Token of Unleash's Admin API"),
    "flagsmith": ("FLAGSMITH_API_KEY", "API key of the organisation in Flagsmith"),
    "git": ("GIT_TOKEN", "Token of the Git server, or user:token, or nothing"),
}
"""The environment variable with the credential, and the question for it. `git` is flagd with a repository on a server."""

app = command_group(
    "Providers: the flag system in which a project's flags are kept, if not here.",
    "flaghoist provider connect unleash https://unleash.example -p shop",
    "flaghoist provider connect unleash https://unleash.example -p shop --environment live=production",
    "flaghoist provider connect flagd 'https://git.example/team/flags.git#main:deploy' -p shop",
    "flaghoist provider check -p shop",
)


@app.command("show", rich_help_panel=LOOK)
def show_provider(context: typer.Context, project: ProjectOption, as_json: JsonOption = False) -> None:
    """Show where the project's flags are kept, since when that system has an outage, and what it can't express."""
    with api_client(context) as client:
        found = client.get(_path(project))
    if as_json:
        show_json(found)
        return
    show(_describe(found, project))
    if found["outage"]:
        show_error(f"Outage since {local_time(found['outage']['since'])}: {found['outage']['message']}")
    if found["environments"]:
        show_table(["Environment", "Name there"], found["environments"].items())
    show_table(["A stage", ""], [["can" if each["supported"] else "can't", each["description"]] for each in found["capabilities"]])


@app.command("check", rich_help_panel=LOOK)
def check_provider(context: typer.Context, project: ProjectOption, as_json: JsonOption = False) -> None:
    """Check the connection: the address, the credential, the environments and the rights. Exit code 1 if something is missing."""
    with api_client(context) as client:
        checked = client.post(f"{_path(project)}/check")
    _show_check(checked, as_json=as_json)


@app.command("connect", rich_help_panel=CHANGE)
def connect_provider(
    context: typer.Context,
    project: ProjectOption,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The kind of system: unleash, flagd or flagsmith.")],
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="Its address, such as https://unleash.example. For flagd, a folder, or URL#branch:folder."),
    ],
    remote_project: Annotated[str, typer.Option(metavar="PROJECT", help="The project over there.")] = "default",
    environment: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=NAME", help="An environment here, and its name there. May be repeated.", show_default="all over there"),
    ] = None,
    calls: Annotated[int | None, typer.Option(min=1, help="The most calls at the same time.", show_default="8")] = None,
    keep_credential: Annotated[bool, typer.Option("--keep-credential", help="Keep the stored credential.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the connection.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Connect the project to a flag system, or change its connection.

    The credential comes from UNLEASH_TOKEN, FLAGSMITH_API_KEY, or GIT_TOKEN for a repository, or the command asks for it.
    """
    pairs = parse_pairs(environment, "--environment")
    credential = None if keep_credential else _credential(kind, address)
    body = provided(kind=kind, address=address, project=remote_project, environments=pairs or None, calls=calls, credential=credential)
    with api_client(context) as client:
        if dry_run:
            _show_check(client.post(f"{_path(project)}/check", body), as_json=as_json)
            return
        connected = client.put(_path(project), body)
    show_response(connected, f"Connected. {_describe(connected, project)}", as_json=as_json)


@app.command("disconnect", rich_help_panel=CHANGE)
def disconnect_provider(context: typer.Context, project: ProjectOption, yes: YesOption = False) -> None:
    """Keep the project's flags here from now on. Deletes the credential and the copy of features and segments. Asks for confirmation."""
    with api_client(context) as client:
        found, etag = client.get_with_etag(_path(project))
        effect = [_describe(found, project), "Its features and segments disappear here. Nothing changes over there."]
        confirm(effect, f"Disconnect '{project}'?", yes=yes)
        client.delete(_path(project), etag)
    show(f"Disconnected '{project}'.")


def _path(project: str) -> str:
    return path_of("projects", project, "connection")


def _credential(kind: str, address: str) -> str | None:
    if kind == "flagd" and address.startswith(("https://", "http://")):
        kind = "git"
    if kind not in TOKENS:
        return None
    variable, question = TOKENS[kind]
    default = "" if kind == "git" else None
    given = os.environ.get(variable) or str(typer.prompt(question, default, hide_input=True, show_default=False, err=True))
    return given or None


def _describe(connection: dict[str, Any], project: str) -> str:
    if connection["kind"] == "builtin":
        return f"The flags of '{project}' are kept here."
    place = f" at {connection['address']}" if connection["address"] else ""
    return f"The flags of '{project}' are kept in {connection['kind']}{place}, in the project '{connection['project']}'."


def _show_check(checked: dict[str, Any], *, as_json: bool) -> None:
    """Print the findings. End the command with exit code 1 if something is missing."""
    if as_json:
        show_json(checked)
    else:
        for each in checked["findings"]:
            show(f"{'works' if each['passed'] else 'fails'}  {each['pointer']}: {each['message']}", "" if each["passed"] else "red")
    if not checked["passed"]:
        raise typer.Exit(REFUSED)
