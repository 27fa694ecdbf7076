"""The commands that projects and environments share. Both have a key that never changes, and a name."""

from typing import Any

import typer

from api.cli.output import confirm, show, show_json, show_response, show_table
from api.cli.session import api_client
from api.client import first

EVALUATION_KEYS = {"client_key": "Client key", "server_key": "Server key"}
"""The keys with which applications read flags. The API returns only those that the caller may read."""


def list_items(context: typer.Context, path: str, limit: int, *, as_json: bool) -> None:
    """Print the keys and names in a list of the API."""
    with api_client(context) as client:
        found = first(limit, client.items(path))
    if as_json:
        show_json(found)
    else:
        show_table(["Key", "Name"], [[each["key"], each["name"]] for each in found])


def show_item(context: typer.Context, path: str, *, as_json: bool) -> None:
    """Print one item."""
    with api_client(context) as client:
        found = client.get(path)
    show_response(found, f"{found['name']} ({found['key']})", as_json=as_json)
    if not as_json:
        _show_keys(found)


def create_item(context: typer.Context, path: str, body: dict[str, Any], *, as_json: bool) -> None:
    """Create an item."""
    with api_client(context) as client:
        created = client.post(path, body)
    show_response(created, f"Created '{created['key']}'.", as_json=as_json)
    if not as_json:
        _show_keys(created)


def rename_item(context: typer.Context, path: str, name: str, *, as_json: bool) -> None:
    """Change the name of an item."""
    with api_client(context) as client:
        changed = client.patch(path, {"name": name})
    show_response(changed, f"Renamed '{changed['key']}' to {changed['name']}.", as_json=as_json)


def delete_item(context: typer.Context, path: str, effect: str, *, yes: bool) -> None:
    """Ask for confirmation and delete an item."""
    with api_client(context) as client:
        found, etag = client.get_with_etag(path)
        confirm([effect], f"Permanently delete '{found['key']}' ({found['name']})?", yes=yes)
        client.delete(path, etag)
    show(f"Deleted '{found['key']}'.")


def _show_keys(item: dict[str, Any]) -> None:
    for field, label in EVALUATION_KEYS.items():
        if item.get(field):
            show(f"{label}: {item[field]}")
