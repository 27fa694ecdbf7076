"""What projects and environments have in common: a key that never changes, and a name."""

from typing import Any

import typer

from api.cli.output import ask, show, show_answer, show_json, show_table
from api.cli.session import calling
from api.client import first

EVALUATION_KEYS = {"client_key": "Client key", "server_key": "Server key"}
"""Keys with which applications read flags; the API shows them to those who may have them."""


def list_named(context: typer.Context, path: str, limit: int, *, as_json: bool) -> None:
    """Those in a list of the API."""
    with calling(context) as client:
        found = first(limit, client.items(path))
    if as_json:
        show_json(found)
    else:
        show_table(["Key", "Name"], [[each["key"], each["name"]] for each in found])


def show_named(context: typer.Context, path: str, *, as_json: bool) -> None:
    """One of them."""
    with calling(context) as client:
        found = client.get(path)
    show_answer(found, f"{found['name']} ({found['key']})", as_json=as_json)
    if not as_json:
        _show_keys(found)


def create_named(context: typer.Context, path: str, body: dict[str, Any], *, as_json: bool) -> None:
    """Make one."""
    with calling(context) as client:
        made = client.post(path, body)
    show_answer(made, f"Made '{made['key']}'.", as_json=as_json)
    if not as_json:
        _show_keys(made)


def rename_named(context: typer.Context, path: str, name: str, *, as_json: bool) -> None:
    """Give one another name."""
    with calling(context) as client:
        changed = client.patch(path, {"name": name})
    show_answer(changed, f"'{changed['key']}' is now called {changed['name']}.", as_json=as_json)


def delete_named(context: typer.Context, path: str, goes_with_it: str, *, yes: bool) -> None:
    """Delete one, with what belongs to it."""
    with calling(context) as client:
        found = client.get(path)
        ask([goes_with_it], f"Delete '{found['key']}' ({found['name']}), for good?", yes=yes)
        client.delete(path)
    show(f"Deleted '{found['key']}'.")


def _show_keys(found: dict[str, Any]) -> None:
    for field, words in EVALUATION_KEYS.items():
        if found.get(field):
            show(f"{words}: {found[field]}")
