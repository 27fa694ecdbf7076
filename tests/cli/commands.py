"""All commands of `flaghoist`, imported."""

from collections.abc import Iterator
from typing import Any

import typer

from api.cli.app import app
from api.cli.lazy import LazyCommand


def loaded(command: Any) -> Any:
    return command.load() if isinstance(command, LazyCommand) else command


def subcommands(group: Any) -> dict[str, Any]:
    return {name: loaded(command) for name, command in group.commands.items()}


def _all_below(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in subcommands(group).items():
        if hasattr(command, "commands"):
            yield from _all_below(command, *path, name)
        else:
            yield " ".join([*path, name]), command


ROOT: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = dict(_all_below(ROOT))
"""The commands by the words that are typed, without the groups."""
