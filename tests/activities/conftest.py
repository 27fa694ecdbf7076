"""What the tests of the activities may ask for."""

import pytest

from activities.store.database import Database
from tests.world import World, make_world


@pytest.fixture
def shop(sqlite: Database) -> World:
    """The same world, where the system makes no difference."""
    return make_world(sqlite)
