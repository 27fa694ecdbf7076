"""Planting violations in a copy of a database, to see that the checks of the record find them."""

import sqlite3


def plant(path: str, statement: str) -> None:
    """Write something that the product never writes."""
    connection = sqlite3.connect(path)
    assert connection.execute(statement).rowcount
    connection.commit()
    connection.close()


def checks_of(wrong: list[str]) -> set[str]:
    """Return the names of the checks that found something."""
    return {each.partition(":")[0] for each in wrong}
