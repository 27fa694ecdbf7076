"""Segment values typed with spaces match the same identities in our evaluation and in the official SDK."""

from typing import Any

import pytest

from tests.api.evaluation.applications import application, change, keys_of, soon
from tests.http import Api
from tests.official import flagsmith_sdk


@pytest.mark.parametrize(
    ("operator", "value", "inside", "outside"),
    [
        ("IN", "oslo, rome,bern", ["oslo", "rome", "bern"], [" rome", "rome,bern", "", "paris"]),
        ("IN", "a,,b,", ["a", "b"], ["", "a,"]),
        ("IN", '["oslo", "new york", 5]', ["oslo", "new york", 5, "5"], ['"oslo"', "york", '["oslo"']),
        ("GREATER_THAN", " 5 ", [6, 5.5, "7"], [5, 4, "5"]),
        ("EQUAL", " 5", [5, "5"], [6, "x"]),
        ("EQUAL", "false ", [False], [True]),
        ("EQUAL", " pro", [" pro"], ["pro"]),
        ("GREATER_THAN", "1.2.3 :semver", ["1.10.0"], ["1.2.3", "1.2.2"]),
        ("MODULO", "4 | 3", [3, 7], [4, 8]),
        ("CONTAINS", " pro", ["a pro"], ["pro"]),
        ("REGEX", "a b", ["a b"], ["ab"]),
    ],
)
def test_our_evaluation_and_the_official_sdk_agree(api: Api, operator: str, value: str, inside: list[Any], outside: list[Any]) -> None:
    api.make_project()
    condition = {"property": "trait", "operator": operator, "value": value}
    api.post("/projects/shop/segments", {"key": "typed", "rules": [{"type": "ALL", "conditions": [condition]}]})
    change(api, {"enabled": True, "overrides": {"typed": {"value": "inside"}}})
    client_key, server_key = keys_of(api)
    app = application(api)
    soon("the override", lambda: app.evaluate({"targetingKey": "ada", "trait": inside[0]}, "checkout").json()["value"] == "inside")

    with (
        flagsmith_sdk(api.address, client_key) as remote,
        flagsmith_sdk(api.address, server_key, enable_local_evaluation=True, environment_refresh_interval_seconds=600) as local,
    ):
        for trait, expected in [*((trait, "inside") for trait in inside), *((trait, "classic") for trait in outside)]:
            assert app.evaluate({"targetingKey": "ada", "trait": trait}, "checkout").json()["value"] == expected, trait
            for sdk in (remote, local):
                flags = sdk.get_identity_flags("ada", {"trait": trait}, transient=True)
                assert flags.get_feature_value("checkout") == expected, trait
