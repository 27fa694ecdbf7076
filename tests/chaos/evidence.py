"""Everything that a run leaves behind: the database, Temporal's histories, the acknowledged releases, and the logs."""

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.executions import Execution
from tests.chaos.people import Acknowledged
from tests.workflows.state_machine.guard_invariants import BEHIND, LOOK_LASTS
from tests.workflows.state_machine.record import Record, read_record

PROJECT = "shop"


@dataclass(frozen=True)
class Evidence:
    """The input of the checks. Only the acknowledgements come from the product itself."""

    record: Record
    outbox_entries: int
    executions: list[Execution]
    acknowledged: list[Acknowledged]
    surprises: list[str]
    logs: dict[str, str]
    keys: list[str]
    intents: int = 0
    bad_at: dict[str, datetime] = field(default_factory=dict)
    """The flags that turned bad, and when, by the source of metrics."""


def read_database(path: Path) -> tuple[Record, int]:
    """Return the record and the number of outbox entries."""
    return read_record(str(path), PROJECT, LOOK_LASTS + BEHIND), _count(path, "outbox")


def count_intents(path: Path) -> int:
    """Return the number of changes that were intended in another flag system, and are not on the record."""
    return _count(path, "intents")


def _count(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return int(rows)


def read_logs(folder: Path) -> dict[str, str]:
    """Return the log of each process by its name."""
    return {path.stem: path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))}


def changes_in(record: Record) -> list[dict[str, Any]]:
    """Return every change that stages made."""
    return [change for story in record.releases for change in story.changes]
