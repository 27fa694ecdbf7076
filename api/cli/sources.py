"""The commands for metric sources."""

import os
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.crud import delete_item
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import show_json, show_response, show_table
from api.cli.session import JsonOption, LimitOption, NameOption, NewKeyArgument, ProjectOption, YesOption, api_client, provided
from api.cli.usage import REFUSED, usage_error
from api.client import first, path_of

CREDENTIAL = "METRIC_SOURCE_CREDENTIAL"
"""The environment variable with the credential of a source."""

app = command_group(
    "Metric sources: where a project's metrics come from.",
    "flaghoist sources create main prometheus https://prometheus.example -p shop",
    "flaghoist sources create orders sql postgresql://reader@db.example/shop -p shop",
    "flaghoist sources check main -p shop",
)

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The source's key.", autocompletion=offer_keys("sources"))]
_NAME = typer.Option("--name", help="A display name.", show_default="unchanged")
_USERNAME = typer.Option(help="The user of basic authentication. Without one, the credential is sent as a bearer token.")
_CALLS = typer.Option(min=1, help="The most calls at the same time.")


@app.command("list", rich_help_panel=LOOK)
def list_sources(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the project's metric sources, by key. Never shows credentials."""
    with api_client(context) as client:
        found = first(limit, client.items(_path(project)))
    if as_json:
        show_json(found)
    else:
        rows = [
            [each["key"], each["name"], each["kind"], each["address"] or "", "yes" if each["has_credential"] else "no"] for each in found
        ]
        show_table(["Key", "Name", "Kind", "Address", "Credential"], rows)


@app.command("show", rich_help_panel=LOOK)
def show_source(context: typer.Context, project: ProjectOption, source: SourceArgument, as_json: JsonOption = False) -> None:
    """Show a metric source, without its credential."""
    with api_client(context) as client:
        found = client.get(_path(project, source))
    show_response(found, _describe(found), as_json=as_json)


@app.command("check", rich_help_panel=LOOK)
def check_source(context: typer.Context, project: ProjectOption, source: SourceArgument, as_json: JsonOption = False) -> None:
    """Check whether a metric source answers. Exit code 1 if it doesn't."""
    with api_client(context) as client:
        checked = client.post(f"{_path(project, source)}/check")
    show_response(checked, f"{'works' if checked['passed'] else 'fails'}  {checked['message']}", as_json=as_json)
    if not checked["passed"]:
        raise typer.Exit(REFUSED)


@app.command("create", rich_help_panel=CHANGE)
def create_source(
    context: typer.Context,
    project: ProjectOption,
    key: NewKeyArgument,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Its kind: prometheus, sql or http.")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Its URL, without a password.")],
    name: NameOption = None,
    username: Annotated[str | None, _USERNAME] = None,
    calls: Annotated[int | None, _CALLS] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a metric source. Its credential, if it needs one, comes from METRIC_SOURCE_CREDENTIAL."""
    about = provided(name=name, username=username, calls=calls, credential=_credential())
    with api_client(context) as client:
        created = client.post(_path(project), {"key": key, "kind": kind, "address": address} | about)
    show_response(created, f"Created {_describe(created)}.", as_json=as_json)


@app.command("change", rich_help_panel=CHANGE)
def change_source(
    context: typer.Context,
    project: ProjectOption,
    source: SourceArgument,
    address: Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help="The new address.", show_default="unchanged")] = None,
    name: Annotated[str | None, _NAME] = None,
    username: Annotated[str | None, _USERNAME] = None,
    calls: Annotated[int | None, _CALLS] = None,
    as_json: JsonOption = False,
) -> None:
    """Change a metric source. The stored credential stays, unless METRIC_SOURCE_CREDENTIAL has one, or the address changes."""
    changes = provided(address=address, name=name, username=username, calls=calls, credential=_credential())
    if not changes:
        raise usage_error(f"Nothing to change: use --to, --name, --username or --calls, or set {CREDENTIAL}.")
    with api_client(context) as client:
        found, etag = client.get_with_etag(_path(project, source))
        kept = provided(**{field: found[field] for field in ("key", "name", "kind", "address", "username", "calls")})
        changed = client.put(_path(project, source), kept | changes, etag)
    show_response(changed, f"Changed to {_describe(changed)}.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_source(context: typer.Context, project: ProjectOption, source: SourceArgument, yes: YesOption = False) -> None:
    """Delete a metric source that no metric or pipeline uses, with its credential. Asks for confirmation."""
    delete_item(context, _path(project, source), "Its credential is deleted too.", yes=yes)


def _path(project: str, *source: str) -> str:
    return path_of("projects", project, "sources", *source)


def _credential() -> str | None:
    return os.environ.get(CREDENTIAL) or None


def _describe(source: dict[str, Any]) -> str:
    place = f" at {source['address']}" if source["address"] else ""
    return (
        f"'{source['key']}' ({source['name']}), {source['kind']}{place}, {'with' if source['has_credential'] else 'without'} a credential"
    )
