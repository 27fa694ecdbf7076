"""An API with a project, and files with data."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import serve_without_temporal
from tests.http import Api


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder that has a file with three orders."""
    folder = tmp_path / "files"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (flag TEXT)")
        connection.executemany("INSERT INTO orders VALUES (?)", [("checkout",)] * 3)
    return folder


@pytest.fixture
def api(sqlite_url: str, files: Path) -> Iterator[Api]:
    """An API with a project, and SQLite files in that folder."""
    for api in serve_without_temporal(sqlite_url, metrics_folder=files):
        api.make_project()
        yield api
