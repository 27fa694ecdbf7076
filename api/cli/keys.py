"""API keys, from a terminal."""

from typing import Annotated, Any, Literal

import typer

from api.cli.completion import offer_api_keys
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, moment, show, show_json, show_table
from api.cli.session import AsJson, Limit, Yes, calling, wrong_usage
from api.client import ApiClient, first, path_of

app = typer.Typer(
    help=with_examples(
        "API keys: each belongs to a person or a service, and its secret is shown once.",
        "flaghoist keys create laptop --owner erin --grant shop:operator:staging,production",
        "flaghoist keys create ci --owner builds --kind service --grant shop:viewer",
    ),
    no_args_is_help=True,
    cls=InPanels,
)


KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `keys list` shows it.", autocompletion=offer_api_keys)]


def show_whoami(context: typer.Context, as_json: AsJson = False) -> None:
    """Whose key you use, and what it may do."""
    with calling(context) as client:
        found = client.get("/whoami")
    if as_json:
        show_json(found)
        return
    show(f"{_owner(found)}, with key '{found['name']}' ({found['id']}), which may do this:")
    for grant in found["grants"]:
        show(f"  {_grant_in_words(grant)}")


@app.command("list", rich_help_panel=LOOK)
def list_keys(context: typer.Context, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The keys whose grants lie within those of yours, newest first; never their secrets."""
    with calling(context) as client:
        found = first(limit, client.items("/keys"))
    if as_json:
        show_json(found)
        return
    rows = [
        [
            each["id"],
            each["name"],
            _owner(each),
            "; ".join(map(_grant_in_words, each["grants"])),
            moment(each["created_at"]),
            moment(each["revoked_at"]),
        ]
        for each in found
    ]
    show_table(["Id", "Name", "Owner", "Grants", "Made", "Revoked"], rows)


@app.command("create", rich_help_panel=CHANGE)
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is called, such as where it is kept.")],
    owner: Annotated[str, typer.Option(help="Whose it is; rights and approvals count by owner.")],
    kind: Annotated[Literal["person", "service"], typer.Option(help="What the owner is.")] = "person",
    grant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROJECT:ROLE[:ENVIRONMENT,...]",
            help="A role in a project: admin, viewer, or operator of environments (* for all). May be repeated.",
        ),
    ] = None,
    instance_owner: Annotated[bool, typer.Option("--instance-owner", help="Every right on everything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print its secret, which is shown this once."""
    grants = [_grant(text) for text in grant or ()] + ([{"role": "owner"}] if instance_owner else [])
    if not grants:
        raise wrong_usage("Say what the key may do: --grant, or --instance-owner.")
    with calling(context) as client:
        made = client.post("/keys", {"name": name, "owner": {"kind": kind, "name": owner}, "grants": grants})
    if as_json:
        show_json(made)
        return
    show(f"Made key '{made['name']}' ({made['id']}) for {_owner(made)}. Its secret, which is shown this once:")
    show(made["secret"])


@app.command("rotate", rich_help_panel=CHANGE)
def rotate_key(context: typer.Context, key: KeyId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Give a key another secret and print it, this once; the old one ends at once; asks first."""
    with calling(context) as client:
        if not yes:
            ask(_named(client, key), f"Rotate {key}, so that its secret of today works no more?", yes=yes)
        rotated = client.post(path_of("keys", key, "rotate"))
    if as_json:
        show_json(rotated)
        return
    show(f"Rotated key '{rotated['name']}' ({rotated['id']}) of {_owner(rotated)}. Its new secret, which is shown this once:")
    show(rotated["secret"])


@app.command("revoke", rich_help_panel=CHANGE)
def revoke_key(context: typer.Context, key: KeyId, yes: Yes = False) -> None:
    """End a key at once; asks first."""
    with calling(context) as client:
        if not yes:
            ask(_named(client, key), f"Revoke {key}, for good?", yes=yes)
        client.delete(path_of("keys", key))
    show(f"Revoked {key}.")


def _named(client: ApiClient, key: str) -> list[str]:
    """What a key is called and whose it is; nothing of one that this key may not see."""
    own = client.get("/whoami")
    known = [own] if own["id"] == key else client.items("/keys")
    return [f"'{each['name']}' of {_owner(each)}" for each in known if each["id"] == key]


def _grant(text: str) -> dict[str, Any]:
    """One role, from its short form."""
    project, role, environments = [*text.split(":"), "", ""][:3]
    if (
        text.count(":") not in (1, 2)
        or not project
        or role not in ("admin", "operator", "viewer")
        or (role == "operator") != bool(environments)
    ):
        raise wrong_usage(f"--grant {text} is none: write PROJECT:admin, PROJECT:viewer or PROJECT:operator:ENVIRONMENT,ENVIRONMENT.")
    return {"project": project, "role": role} | ({"environments": environments.split(",")} if environments else {})


def _grant_in_words(grant: dict[str, Any]) -> str:
    if grant["project"] is None:
        return "owner of the instance"
    return ":".join([grant["project"], grant["role"], *([",".join(grant["environments"])] if grant["environments"] else [])])


def _owner(key: dict[str, Any]) -> str:
    return f"{key['owner']['name']} ({key['owner']['kind']})"
