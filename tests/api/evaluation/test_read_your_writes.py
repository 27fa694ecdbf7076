"""The process that answered a write serves it from then on: the next read never returns the old state."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.evaluation.applications import Application, application, change, keys_of
from tests.http import Api

ROUNDS = 8


@pytest.fixture
def shop(api_on_both: Api) -> Api:
    """A project whose production environment has been read, so that the process has it in memory."""
    api_on_both.make_project()
    assert application(api_on_both).evaluate({"targetingKey": "ada"}).status_code == 200
    return api_on_both


def ofrep_value(app: Application, flag: str) -> Any:
    return app.evaluate({"targetingKey": "ada"}, flag).json().get("value")


def bulk_values(app: Application) -> dict[str, Any]:
    return {flag["key"]: flag.get("value") for flag in app.evaluate({"targetingKey": "ada"}).json()["flags"]}


def test_a_changed_flag_is_served_by_the_next_request(shop: Api) -> None:
    app = application(shop)
    reads: list[Callable[[], Any]] = [
        lambda: app.identify("ada")["checkout"][0],
        lambda: {flag["feature"]["name"]: flag["enabled"] for flag in app.flagsmith("GET", "flags/").json()}["checkout"],
        lambda: app.evaluate({"targetingKey": "ada"}, "checkout").json()["reason"] != "DISABLED",
    ]

    for number in range(ROUNDS):
        for read in reads:
            enabled = number % 2 == 0
            change(shop, {"enabled": not enabled})
            change(shop, {"enabled": enabled})

            assert read() is enabled


def test_a_created_feature_is_served_and_a_deleted_one_is_not(shop: Api) -> None:
    app = application(shop)

    for number in range(ROUNDS):
        key = f"banner-{number}"
        shop.post("/projects/shop/features", {"key": key, "default": {"enabled": True, "value": number}})
        assert ofrep_value(app, key) == number
        assert bulk_values(app)[key] == number

        shop.request("DELETE", f"/projects/shop/features/{key}")
        assert app.evaluate({"targetingKey": "ada"}, key).status_code == 404
        assert key not in app.identify("ada")


def test_changed_segment_rules_apply_to_the_next_request(shop: Api) -> None:
    app = application(shop)
    change(shop, {"enabled": True, "overrides": {"staff": {"enabled": False}}})

    for number in range(ROUNDS):
        plan = f"plan-{number}"
        rule = {"type": "ALL", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": plan}]}
        shop.patch("/projects/shop/segments/staff", {"rules": [rule]})

        assert app.identify("ada", transient=True, plan=plan)["checkout"][0] is False
        assert app.identify("ada", transient=True, plan="other")["checkout"][0] is True


@pytest.mark.parametrize("kind", ["client", "server"])
def test_a_rotated_key_works_at_once_and_the_old_one_stops(shop: Api, kind: str) -> None:
    position = ("client", "server").index(kind)

    for _ in range(ROUNDS // 2):
        old = keys_of(shop)[position]
        assert Application(shop, old).evaluate({"targetingKey": "ada"}).status_code == 200

        shop.post(f"/projects/shop/environments/production/keys/{kind}/rotate")

        assert Application(shop, old).evaluate({"targetingKey": "ada"}).status_code == 401
        assert Application(shop, keys_of(shop)[position]).evaluate({"targetingKey": "ada"}).status_code == 200


def test_a_deleted_environment_is_gone_for_the_next_request(shop: Api) -> None:
    for number in range(ROUNDS // 2):
        key = f"preview-{number}"
        shop.post("/projects/shop/environments", {"key": key})
        app = application(shop, key)
        assert app.evaluate({"targetingKey": "ada"}).status_code == 200

        shop.request("DELETE", f"/projects/shop/environments/{key}")

        assert app.evaluate({"targetingKey": "ada"}).status_code == 401


def test_a_renamed_project_is_in_the_next_environment_document(shop: Api) -> None:
    server = Application(shop, keys_of(shop)[1])

    for number in range(ROUNDS // 2):
        shop.patch("/projects/shop", {"name": f"Shop {number}"})

        assert server.flagsmith("GET", "environment-document/").json()["project"]["name"] == f"Shop {number}"
