"""Variants as in Flagsmith's public cases for engines: its engine-test-data at 5031065, with their salts, identities and shares.

Each is turned into a project over HTTP. Only the ids that are hashed are written to the database, because nobody chooses those.
The other cases with variants have identities without an environment in their keys, which no SDK of Flagsmith's sends.
"""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.api.evaluation.applications import Application, application, change
from tests.http import Api

EVERYONE = [{"type": "ALL", "conditions": [{"property": "$.environment.name", "operator": "EQUAL", "value": "Production"}]}]

IDS = (("environments", "id"), ("feature_states", "environment_id"), ("serving", "environment_id"), ("numbers", "id"))
"""The columns with the id of an environment."""


@pytest.fixture
def shop(api: Api) -> Api:
    """A flag that is on and has a variant."""
    api.make_project()
    api.patch("/projects/shop/environments/production", {"name": "Production"})
    api.patch("/projects/shop/features/checkout", {"variants": [{"key": "option", "value": "variant_value"}]})
    change(api, {"enabled": True, "value": "foo"})
    return api


def hashed_with(url: str, *, salt: int, environment: str) -> None:
    """Give the feature that salt, and production that id."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        [(id_,)] = connection.execute("SELECT id FROM environments WHERE key = 'production'").fetchall()
        for table, column in IDS:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (environment, id_))
        connection.execute("UPDATE features SET salt = ?", (salt,))


def both_ways(app: Application, identifier: str) -> set[Any]:
    """Return the values that the identity gets by Flagsmith's API and by OFREP."""
    by_ofrep = app.evaluate({"targetingKey": identifier}, "checkout").json()
    return {app.identify(identifier)["checkout"][1], by_ofrep["value"]}


@pytest.mark.parametrize(("share", "value"), [(54.54, "variant_value"), (54.52, "foo")])
def test_identity_at_54_53_percent_gets_the_variant_from_that_share_on(shop: Api, shared_sqlite: str, share: float, value: str) -> None:
    hashed_with(shared_sqlite, salt=78986, environment="test_env")
    change(shop, {"allocation": {"option": share}})

    assert both_ways(application(shop), "foobar") == {value}


def test_override_for_a_segment_has_the_same_shares(shop: Api, shared_sqlite: str) -> None:
    hashed_with(shared_sqlite, salt=1016366, environment="8AYnz4q3KEfT5DFtnramnP")
    shop.post("/projects/shop/segments", {"key": "all", "name": "All of production", "rules": EVERYONE})
    change(shop, {"enabled": False, "allocation": {}, "overrides": {"all": {"enabled": True, "allocation": {"option": 50}}}})

    assert both_ways(application(shop), "user-123") == {"variant_value"}
