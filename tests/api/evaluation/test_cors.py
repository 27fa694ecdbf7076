"""CORS: browsers may read flags, and only flags, from the configured websites."""

import httpx
import pytest
from pydantic import ValidationError

from settings import Settings
from tests.api.evaluation.applications import application
from tests.conftest import serve
from tests.http import Api

SHOP = "https://shop.example"


def preflight(api: Api, path: str, origin: str = SHOP) -> httpx.Response:
    """Send the preflight request of a browser."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-environment-key, content-type",
    }
    return api.client.options(f"{api.address}{path}", headers=headers)


def test_a_configured_website_may_read_flags(sqlite_url: str) -> None:
    for api in serve(sqlite_url, cors_origins=f"{SHOP}, http://localhost:3000"):
        api.make_project()
        app = application(api)

        asked = preflight(api, "/flagsmith/api/v1/identities/")
        answer = app.evaluate({"targetingKey": "ada"}, Origin=SHOP)
        refused = app.evaluate({}, Origin=SHOP)
        too_large = app.evaluate({"targetingKey": "x" * 300_000}, Origin=SHOP)
        elsewhere = app.evaluate({"targetingKey": "ada"}, Origin="https://elsewhere.example")

        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, SHOP)
        assert "ETag" in answer.headers["access-control-expose-headers"]
        for each in (answer, refused, too_large):
            assert each.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-origin" not in elsewhere.headers
        assert preflight(api, "/ofrep/v1/evaluate/flags", "https://elsewhere.example").status_code == 400
        assert "access-control-allow-origin" not in preflight(api, "/api/v1/projects").headers


def test_other_websites_may_not_read_flags(api: Api) -> None:
    api.make_project()

    assert "access-control-allow-origin" not in application(api).evaluate({"targetingKey": "ada"}, Origin=SHOP).headers


def test_a_wildcard_allows_every_website(sqlite_url: str) -> None:
    for api in serve(sqlite_url, cors_origins="*"):
        assert preflight(api, "/ofrep/v1/evaluate/flags").headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "origins", ["shop.example", "https://shop.example/path", "https://*.example", "https://a.example,,", "ftp://a.example"]
)
def test_an_invalid_origin_prevents_the_start(origins: str) -> None:
    with pytest.raises(ValidationError, match="must be origins such as"):
        Settings(cors_origins=origins)
