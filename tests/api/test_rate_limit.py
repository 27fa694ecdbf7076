"""A key that exceeds its rate limit must wait."""

import time
from collections.abc import Iterator

import pytest

from tests.api.answers import problem_of
from tests.conftest import serve
from tests.http import Api
from tests.ports import free_port
from tests.prometheus import Scrape
from tests.threads import at_once
from tests.waiting import wait_for


@pytest.fixture
def limited(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API that accepts five requests per minute from each key."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    yield from serve(sqlite_url, rate_limit="5/minute")


def test_key_over_its_limit_gets_retry_after(limited: Api) -> None:
    began = time.monotonic()
    answers = [limited.request("GET", "/projects") for _ in range(6)]
    took = time.monotonic() - began

    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    problem = problem_of(answers[5], 429, "too_many_requests")
    assert "5/minute" in problem["detail"]
    assert 60 - took <= int(answers[5].headers["retry-after"]) <= 60
    assert Scrape(limited.address).value("flaghoist_http_refusals_total", code="too_many_requests") == 1


def test_limit_is_per_key_and_health_has_none(limited: Api) -> None:
    other = limited.make_key("erin", {"role": "owner"})
    while limited.request("GET", "/projects").status_code == 200:
        pass

    assert other.request("GET", "/projects").status_code == 200
    for path in ("/healthz", "/readyz", "/metrics", "/problems") * 2:
        assert limited.request("GET", f"{limited.address}{path}").status_code == 200
    stranger = limited.with_key("fh_nobody_has_such_a_key_as_this_one")
    assert {stranger.request("GET", "/projects").status_code for _ in range(8)} == {401}


def test_rejected_requests_do_not_count_and_the_window_moves(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    for api in serve(sqlite_url, rate_limit="2/second"):

        def status(api: Api = api) -> int:
            return api.request("GET", "/projects").status_code

        assert [status(), status()] == [200, 200]
        # Several at once, in case that one after the other would take more than the second.
        wait_for("the limit to be used up", lambda: 429 in at_once(*[status] * 6), interval=0)
        # If refused requests counted, one every 20 ms would keep the window full.
        wait_for("the window to move", lambda: status() == 200, interval=0.02)


def test_requests_are_unlimited_by_default(api: Api) -> None:
    assert {api.request("GET", "/projects").status_code for _ in range(150)} == {200}
