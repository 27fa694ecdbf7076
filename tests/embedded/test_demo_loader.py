"""Loading the demo over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.store.database import Database
from api.client import ApiClient
from api.embedded.audit_tail import AuditTail
from api.embedded.demo import WEBSHOP
from api.embedded.demo_loader import load
from api.embedded.demo_shop import DemoShop
from tests.conftest import serve_without_temporal
from tests.http import OWNER_KEY, Api


@pytest.fixture
def api(sqlite_url: str, tmp_path: Path) -> Iterator[Api]:
    """An API that finds the shop's own database."""
    DemoShop(tmp_path, "").prepare()
    yield from serve_without_temporal(sqlite_url, metrics_folder=tmp_path)


@pytest.fixture
def client(api: Api) -> Iterator[ApiClient]:
    with ApiClient(api.address, OWNER_KEY) as client:
        yield client


def test_loading_twice_creates_nothing_twice(api: Api, client: ApiClient) -> None:
    first = load(client, WEBSHOP)
    entries = api.get("/projects/webshop/audit", limit=200)["items"]

    second = load(client, WEBSHOP)

    assert all(each.is_new for each in first)
    assert not any(each.is_new for each in second)
    assert [each.release["id"] for each in second] == [each.release["id"] for each in first]
    assert api.get("/projects/webshop/audit", limit=200)["items"] == entries
    for definition in WEBSHOP.pipelines:
        assert api.get(f"/projects/webshop/pipelines/{definition['key']}")["warnings"] == []


def test_loading_continues_after_an_interruption(api: Api, client: ApiClient) -> None:
    api.post("/projects", WEBSHOP.project)
    for environment in WEBSHOP.environments:
        api.post("/projects/webshop/environments", environment)
    api.post("/projects/webshop/pipelines", WEBSHOP.pipelines[0])

    assert len(load(client, WEBSHOP)) == len(WEBSHOP.releases(datetime.now(UTC)))


def test_a_removed_release_is_not_added_again(api: Api, client: ApiClient) -> None:
    release = load(client, WEBSHOP)[0].release
    api.post(f"/projects/webshop/releases/{release['id']}/remove")

    again = load(client, WEBSHOP)[0]

    assert (again.is_new, again.release["id"], again.release["status"]) == (False, release["id"], "removed")


def test_each_step_since_the_start_is_printed_once(api: Api, client: ApiClient, sqlite: Database) -> None:
    load(client, WEBSHOP)
    late = AuditTail(sqlite, datetime.now(UTC))
    early = AuditTail(sqlite, datetime(2026, 1, 1, tzinfo=UTC))

    assert len(early.new_lines()) == len(WEBSHOP.releases(datetime.now(UTC)))
    assert early.new_lines() == late.new_lines() == []

    api.patch("/projects/webshop/environments/staging/features/gift-cards", {"enabled": True})

    (line,) = early.new_lines()
    assert line.endswith("staging: off → on")
    assert late.new_lines() == [line]
