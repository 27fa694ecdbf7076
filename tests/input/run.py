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

import structlog

from activities.store.database import Database
from activities.store.migrate import migrate
from process_exit import leave
from tests.conftest import serve
from tests.input.environment import Ground
from tests.input.requests import Finding, ask, document_of, operations_of
from tests.ports import free_port
from tests.postgresql import PostgresqlServer

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
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="flaghoist-input-") as folder:
            yield f"sqlite:///{Path(folder) / 'flaghoist.db'}"
        return
    server = PostgresqlServer("fsync=off")
    server.start()
    yield server.url_of("postgres")
    server.stop()
    server.remove()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    leave(main())
