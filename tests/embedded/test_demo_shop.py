"""The demo's shop: payments fail for customers with the new way to pay, and its metric shows that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.client import ApiClient
from api.embedded.demo_shop import FAILED_PAYMENTS, PAYMENT, SOURCE, DemoShop
from tests.conftest import serve_without_temporal
from tests.http import OWNER_KEY, Api


@pytest.fixture
def api(sqlite_url: str, tmp_path: Path) -> Iterator[Api]:
    for api in serve_without_temporal(sqlite_url, metrics_folder=tmp_path):
        api.make_project()
        api.post("/projects/shop/features", {"key": PAYMENT})
        yield api


def failed_payments(api: Api) -> Any:
    asked = {"metric": FAILED_PAYMENTS["key"], "feature": PAYMENT, "environment": "production"}
    return api.post("/projects/shop/metrics/ask", asked)["sample"]["value"]


def test_metric_shows_the_fault_of_those_who_have_the_flag(api: Api, tmp_path: Path) -> None:
    shop = DemoShop(tmp_path, api.address)
    shop.prepare()
    api.post("/projects/shop/sources", SOURCE)
    api.post("/projects/shop/metrics", FAILED_PAYMENTS)
    with ApiClient(api.address, OWNER_KEY) as client:
        shop.open_for_a_moment(client, "shop")
        before = failed_payments(api)
        api.patch(f"/projects/shop/environments/production/features/{PAYMENT}", {"enabled": True})
        for _ in range(10):
            shop.open_for_a_moment(client, "shop")

    assert before < 0.02
    assert failed_payments(api) > 0.03
