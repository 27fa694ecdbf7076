"""How answers look in a terminal."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from api.embedded.terminal import plain

WIDE = 400
"""Characters a line may have where no terminal sets an end to it."""


def show_json(answer: Any) -> None:
    """Print what the API answered, as it is."""
    sys.stdout.write(f"{json.dumps(answer, indent=2)}\n")


def show_answer(answer: Any, line: str, *, as_json: bool) -> None:
    """Print what the API answered, as it is or in a sentence."""
    if as_json:
        show_json(answer)
    else:
        show(line)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows, or that there are none."""
    console_of(sys.stdout).print(table_of(columns, rows))


def table_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> RenderableType:
    """Rows in columns, or that there are none."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(plain(_cell(cell))) for cell in row))
    return table if table.row_count else Text("None.")


def show(line: str = "", style: str = "") -> None:
    """Print one line."""
    console_of(sys.stdout).print(Text(plain(line), style), soft_wrap=True)


def show_error(line: str) -> None:
    """Print one line on standard error."""
    console_of(sys.stderr).print(Text(plain(line), "red"), soft_wrap=True)


def ask(effect: Iterable[str], question: str, *, yes: bool) -> None:
    """Show the effect and ask, both on standard error; a no ends the command with exit code 1."""
    if yes:
        return
    for line in effect:
        console_of(sys.stderr).print(Text(plain(line)), soft_wrap=True)
    typer.confirm(question, abort=True, err=True)


def moment(text: str | None) -> str:
    """A point in time, in this machine's zone."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}" if text else ""


def console_of(stream: TextIO) -> Console:
    """The terminal behind a stream, or the file that it is written into."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(file=stream, highlight=False, markup=False, emoji=False, width=WIDE)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
