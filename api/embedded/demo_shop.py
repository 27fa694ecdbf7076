"""The demo's shop: customers who pay and order, and what the demo's metrics measure of them.

The new way to pay fails for some, which a guardrail notices. A green button leads to more orders, which an experiment finds.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from api.client import ApiClient

PAYMENT = "instant-payment"
BUTTON = "buy-button"
GREEN = "green"
FILE = "webshop.db"

CUSTOMERS = 40
"""The number of customers in each step."""
FAULTS = {True: 0.4, False: 0.005}
"""With the new way to pay or without it, the share of payments that fail."""
ORDERS = {GREEN: 0.35, "control": 0.2}
"""The share of customers who order, by the button."""
KEPT_SECONDS = 1_800

SOURCE = {"key": "shop-database", "name": "The shop's database", "kind": "sql", "address": f"sqlite:///{FILE}"}
FAILED_PAYMENTS = {
    "key": "failed-payments",
    "name": "Failed payments",
    "description": "The share of payments in the last 20 seconds that failed.",
    "source": SOURCE["key"],
    "query": "SELECT avg(failed) AS value FROM payments WHERE at > unixepoch(:now) - 20",
}
CONVERSION = {
    "key": "conversion",
    "name": "Conversion",
    "description": "The share of customers who ordered, for each button that they saw.",
    "source": SOURCE["key"],
    "shape": "GROUPS",
    "query": """
        WITH customers AS (
            SELECT customer, min(button) AS button, max(ordered) AS ordered
            FROM visits WHERE at > unixepoch(:since) GROUP BY customer HAVING min(button) = max(button)
        )
        SELECT button AS "group", count(*) AS n, sum(ordered) AS successes FROM customers GROUP BY button
    """,
}

_TABLES = (
    "CREATE TABLE IF NOT EXISTS payments (at INTEGER, customer INTEGER, instant INTEGER, failed INTEGER)",
    "CREATE TABLE IF NOT EXISTS visits (at INTEGER, customer INTEGER, button TEXT, ordered INTEGER)",
)


class Visit(NamedTuple):
    """A visit of one customer, with the flags as they were served."""

    customer: int
    pays_instantly: bool
    button: str


class DemoShop:
    """Asks for the flags as an application does, and writes what happened to a database of the shop's own."""

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
            for table in _TABLES:
                database.execute(table)
        now = int(time.time())
        for second in range(now - 60, now):
            self._write(second, [Visit(each, pays_instantly=False, button="control") for each in range(CUSTOMERS)])

    def open_for_a_moment(self, client: ApiClient, project: str) -> None:
        """Let some customers visit. Raises what the API's client raises, or httpx.TransportError."""
        self._key = self._key or client.get(f"/projects/{project}/environments/production")["client_key"]
        customers = self._random.sample(range(1_000_000), CUSTOMERS)
        with httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {self._key}"}, timeout=2, trust_env=False) as shop:
            self._write(int(time.time()), [visit for each in customers for visit in _visit(shop, each)])

    def _write(self, at: int, visits: list[Visit]) -> None:
        payments = [(at, each.customer, each.pays_instantly, self._random.random() < FAULTS[each.pays_instantly]) for each in visits]
        orders = [(at, each.customer, each.button, self._random.random() < ORDERS[each.button]) for each in visits]
        with closing(sqlite3.connect(self.file)) as database, database:
            database.executemany("INSERT INTO payments VALUES (?, ?, ?, ?)", payments)
            database.executemany("INSERT INTO visits VALUES (?, ?, ?, ?)", orders)
            database.execute("DELETE FROM payments WHERE at < ?", [at - KEPT_SECONDS])


def _visit(shop: httpx.Client, customer: int) -> Iterator[Visit]:
    """Yield the visit of a customer, unless the flags can't be read."""
    answer = shop.post("/ofrep/v1/evaluate/flags", json={"context": {"targetingKey": f"customer-{customer}"}})
    if answer.status_code == HTTPStatus.OK:
        flags: dict[str, Any] = {flag["key"]: flag for flag in answer.json()["flags"]}
        variant = flags.get(BUTTON, {}).get("variant")
        yield Visit(customer, flags.get(PAYMENT, {}).get("value") is True, GREEN if variant == GREEN else "control")
