"""The demo's shop: customers who pay, and a fault in the new way to pay. The demo's metric measures their payments."""

import random
import sqlite3
import time
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from api.client import ApiClient

FLAG = "instant-payment"
FILE = "webshop.db"

CUSTOMERS = 30
"""The number of customers who pay in each step."""
FAULTS = 0.4
USUAL_FAULTS = 0.005
"""The shares of payments that fail, with the flag and without it."""
KEPT_SECONDS = 600

SOURCE = {"key": "shop-database", "name": "The shop's database", "kind": "sql", "address": f"sqlite:///{FILE}"}
METRIC = {
    "key": "failed-payments",
    "name": "Failed payments",
    "description": "The share of payments in the last 20 seconds that failed.",
    "source": SOURCE["key"],
    "query": "SELECT avg(failed) AS value FROM payments WHERE at > unixepoch(:now) - 20",
}


class DemoShop:
    """Asks for the flag as an application does, and writes what happened to a database of the shop's own."""

    def __init__(self, folder: Path, address: str) -> None:
        """Take the folder for the database, and the address of the API."""
        self.file = folder / FILE
        self.address = address
        self._key: str | None = None
        self._random = random.Random(20261128)  # noqa: S311 (these are no secrets)

    def prepare(self) -> None:
        """Create the database, with customers of the last minute."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS payments (at INTEGER, customer INTEGER, instant INTEGER, failed INTEGER)")
        now = int(time.time())
        for second in range(now - 60, now):
            self._write(second, dict.fromkeys(range(CUSTOMERS), False))

    def open_for_a_moment(self, client: ApiClient, project: str) -> None:
        """Let some customers pay. Raises what the API's client raises, or httpx.TransportError."""
        self._key = self._key or client.get(f"/projects/{project}/environments/production")["client_key"]
        customers = self._random.sample(range(100_000), CUSTOMERS)
        with httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {self._key}"}, timeout=2, trust_env=False) as shop:
            self._write(int(time.time()), {each: _pays_instantly(shop, each) for each in customers})

    def _write(self, at: int, customers: dict[int, bool]) -> None:
        rows = [(at, each, instant, self._random.random() < (FAULTS if instant else USUAL_FAULTS)) for each, instant in customers.items()]
        with closing(sqlite3.connect(self.file)) as database, database:
            database.executemany("INSERT INTO payments VALUES (?, ?, ?, ?)", rows)
            database.execute("DELETE FROM payments WHERE at < ?", [at - KEPT_SECONDS])


def _pays_instantly(shop: httpx.Client, customer: int) -> bool:
    answer = shop.post(f"/ofrep/v1/evaluate/flags/{FLAG}", json={"context": {"targetingKey": f"customer-{customer}"}})
    found: dict[str, Any] = answer.json() if answer.status_code == HTTPStatus.OK else {}
    return found.get("value") is True
