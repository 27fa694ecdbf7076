"""Fixtures for the tests of the activities."""

import pytest

from activities.store.database import Database
from tests.world import World, make_world


@pytest.fixture
def shop(sqlite: Database) -> World:
    """The world on SQLite only, for tests that do not depend on the database system."""
    return make_world(sqlite)
