"""Sends generated requests to every route of a fresh API: `python -m tests.input.run --seconds 300 --seed 7`.

It prints its seed, and each finding with the request that reproduces it. Its exit code is 1 if there is any.
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
from process_exit import exit_process
from tests.conftest import serve
from tests.input.environment import InputEnvironment
from tests.input.requests import Finding, ask, document_of, operations_of
from tests.ports import free_port
from tests.postgresql import PostgresqlServer

EXAMPLES = 3
"""Requests per route and round."""


def main() -> int:
    """Send requests until the time is over. Return 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    os.environ["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    with _database(options.database) as url:
        rounds, found = _ask_until(time.monotonic() + options.seconds, options.seed, url)
    for finding in found.values():
        _print(f"{finding.route} [{finding.role}] {finding.what}\n    {finding.request}")
    _print(f"{options.database}, seed {options.seed}: {rounds} rounds, {len(found)} findings")
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
            environment = InputEnvironment(api, database)
            for operation in operations:
                if time.monotonic() > deadline:
                    return number, found
                found |= ask(environment, operation, EXAMPLES, seed=seed * 1_000_000 + number)
    finally:
        next(serving, None)
        database.close()
    raise AssertionError("unreachable")


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


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    exit_process(main())
