"""All that a run leaves behind: the database, Temporal's histories, what people were told, and what the processes wrote into their logs."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.executions import Execution
from tests.chaos.people import Told
from tests.workflows.state_machine.record import Record, read_record

PROJECT = "shop"


@dataclass(frozen=True)
class Evidence:
    """What the checks look at. None of it was asked of the product, but for what people were told."""

    record: Record
    entries: int
    executions: list[Execution]
    told: list[Told]
    surprises: list[str]
    logs: dict[str, str]
    keys: list[str]


def read_database(path: Path) -> tuple[Record, int]:
    """The record, and how many entries are still to be run."""
    connection = sqlite3.connect(path)
    (entries,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    connection.close()
    return read_record(str(path), PROJECT), entries


def read_logs(folder: Path) -> dict[str, str]:
    """Each process's log."""
    return {path.stem: path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))}


def changes_in(record: Record) -> list[dict[str, Any]]:
    """Every change that stages made."""
    return [change for story in record.releases for change in story.changes]
