"""Printing of responses."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

import typer

from api.cli.lazy import LazyModule
from api.embedded.plain_text import plain

if TYPE_CHECKING:
    from rich import console, table, text
else:
    console, table, text = map(LazyModule, ("rich.console", "rich.table", "rich.text"))

FILE_WIDTH = 400
"""The maximum length of a line in characters, if the output is not a terminal."""


def show_json(response: Any) -> None:
    """Print the API's response unchanged."""
    sys.stdout.write(f"{json.dumps(response, indent=2)}\n")


def show_response(response: Any, line: str, *, as_json: bool) -> None:
    """Print the API's response as JSON, or a sentence instead of it."""
    if as_json:
        show_json(response)
    else:
        show(line)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table, or "None." if it has no rows."""
    console_of(sys.stdout).print(table_of(columns, rows))


def table_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "console.RenderableType":
    """Return a table, or "None." if it has no rows."""
    found = table.Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        found.add_row(*(text.Text(plain(_cell(cell))) for cell in row))
    return found if found.row_count else text.Text("None.")


def show(line: str = "", style: str = "") -> None:
    """Print one line."""
    console_of(sys.stdout).print(text.Text(plain(line), style), soft_wrap=True)


def show_error(line: str) -> None:
    """Print one line to standard error."""
    console_of(sys.stderr).print(text.Text(plain(line), "red"), soft_wrap=True)


def confirm(effect: Iterable[str], question: str, *, yes: bool) -> None:
    """Print the effect and ask for confirmation, both on standard error. Unless the user agrees, end the command with exit code 1."""
    if yes:
        return
    for line in effect:
        console_of(sys.stderr).print(text.Text(plain(line)), soft_wrap=True)
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        show_error("\nThere was no answer, so nothing was changed. The option --yes confirms without a question.")
        raise typer.Exit(1) from None
    if not agreed:
        show_error("Nothing was changed.")
        raise typer.Exit(1)


def local_time(timestamp: str | None) -> str:
    """Return a timestamp in this machine's time zone, or an empty string for None."""
    return f"{datetime.fromisoformat(timestamp).astimezone():%Y-%m-%d %H:%M:%S}" if timestamp else ""


def console_of(stream: TextIO) -> "console.Console":
    """Return a console that prints to this stream."""
    terminal = console.Console(file=stream, highlight=False, markup=False, emoji=False)
    return terminal if terminal.is_terminal else console.Console(file=stream, highlight=False, markup=False, emoji=False, width=FILE_WIDTH)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
