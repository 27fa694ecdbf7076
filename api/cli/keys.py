"""The commands for API keys."""

from typing import Annotated, Any, Literal

import typer

from api.cli.completion import offer_api_keys
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import confirm, local_time, show, show_json, show_table
from api.cli.session import JsonOption, LimitOption, YesOption, api_client
from api.cli.usage import usage_error
from api.client import first, path_of

app = command_group(
    "API keys: each belongs to a person or a service. Secrets are shown only once.",
    "flaghoist keys create laptop --owner erin --grant shop:operator:staging,production",
    "flaghoist keys create ci --owner builds --kind service --grant shop:viewer",
)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, from `flaghoist keys list`.", autocompletion=offer_api_keys)]


def show_whoami(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the owner of your key, and its grants."""
    with api_client(context) as client:
        found = client.get("/whoami")
    if as_json:
        show_json(found)
        return
    show(f"{_owner(found)}, with key '{found['name']}' ({found['id']}). Its grants:")
    for grant in found["grants"]:
        show(f"  {_format_grant(grant)}")


@app.command("list", rich_help_panel=LOOK)
def list_keys(context: typer.Context, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the keys whose grants are within your own, newest first. Never shows secrets."""
    with api_client(context) as client:
        found = first(limit, client.items("/keys"))
    if as_json:
        show_json(found)
        return
    rows = [
        [
            each["id"],
            each["name"],
            _owner(each),
            "; ".join(map(_format_grant, each["grants"])),
            local_time(each["created_at"]),
            local_time(each["revoked_at"]),
        ]
        for each in found
    ]
    show_table(["Id", "Name", "Owner", "Grants", "Created", "Revoked"], rows)


@app.command("create", rich_help_panel=CHANGE)
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for the key, such as the place where it is stored.")],
    owner: Annotated[str, typer.Option(help="The name of its owner. Rights and approvals count per owner.")],
    kind: Annotated[Literal["person", "service"], typer.Option(help="The kind of owner.")] = "person",
    grant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROJECT:ROLE[:ENVIRONMENT,...]",
            help="A role in a project: admin, viewer, or operator of environments (* for all). May be repeated.",
        ),
    ] = None,
    instance_owner: Annotated[bool, typer.Option("--instance-owner", help="Grant every right on everything.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a key and print its secret. The secret is shown only once."""
    grants = [_parse_grant(text) for text in grant or ()] + ([{"role": "owner"}] if instance_owner else [])
    if not grants:
        raise usage_error("The key has no rights: use --grant or --instance-owner.")
    with api_client(context) as client:
        created = client.post("/keys", {"name": name, "owner": {"kind": kind, "name": owner}, "grants": grants})
    if as_json:
        show_json(created)
        return
    show(f"Created key '{created['name']}' ({created['id']}) for {_owner(created)}. Its secret, shown only once:")
    show(created["secret"])


@app.command("rotate", rich_help_panel=CHANGE)
def rotate_key(context: typer.Context, key: KeyArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Replace a key's secret and print the new one, once. The old one stops working at once. Asks for confirmation."""
    with api_client(context) as client:
        etag = None
        if not yes:
            found, etag = client.get_with_etag(path_of("keys", key))
            confirm([_describe(found)], f"Rotate {key}? Its current secret stops working.", yes=yes)
        rotated = client.post(path_of("keys", key, "rotate"), etag=etag)
    if as_json:
        show_json(rotated)
        return
    show(f"Rotated key '{rotated['name']}' ({rotated['id']}) of {_owner(rotated)}. Its new secret, shown only once:")
    show(rotated["secret"])


@app.command("revoke", rich_help_panel=CHANGE)
def revoke_key(context: typer.Context, key: KeyArgument, yes: YesOption = False) -> None:
    """Revoke a key permanently, effective at once. Asks for confirmation."""
    with api_client(context) as client:
        etag = None
        if not yes:
            found, etag = client.get_with_etag(path_of("keys", key))
            confirm([_describe(found)], f"Permanently revoke {key}?", yes=yes)
        client.delete(path_of("keys", key), etag)
    show(f"Revoked {key}.")


def _describe(key: dict[str, Any]) -> str:
    return f"'{key['name']}' of {_owner(key)}"


def _parse_grant(text: str) -> dict[str, Any]:
    project, role, environments = [*text.split(":"), "", ""][:3]
    if (
        text.count(":") not in (1, 2)
        or not project
        or role not in ("admin", "operator", "viewer")
        or (role == "operator") != bool(environments)
    ):
        raise usage_error(f"--grant must be PROJECT:admin, PROJECT:viewer or PROJECT:operator:ENVIRONMENT,ENVIRONMENT, not '{text}'.")
    return {"project": project, "role": role} | ({"environments": environments.split(",")} if environments else {})


def _format_grant(grant: dict[str, Any]) -> str:
    if grant["project"] is None:
        return "owner of the instance"
    return ":".join([grant["project"], grant["role"], *([",".join(grant["environments"])] if grant["environments"] else [])])


def _owner(key: dict[str, Any]) -> str:
    return f"{key['owner']['name']} ({key['owner']['kind']})"
