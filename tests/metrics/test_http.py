"""Metrics from HTTP servers, and checks of URLs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.metrics.check import CheckQuestion
from tests.metrics.json_server import JsonServer, serving_json
from tests.metrics.shop import SECRET, Watched, unknown_of

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[JsonServer]:
    """An HTTP server."""
    with serving_json() as server:
        yield server


@pytest.fixture
def shop(shop: Watched, server: JsonServer) -> Watched:
    """A project with that server as its source."""
    shop.write_source("http", server.address)
    return shop


def check(shop: Watched, path: str = "/ready/{feature}", **more: Any) -> Any:
    values = {"project": "shop", "source": "main", "path": path, "feature": "checkout", "environment": "production", "at": AT}
    return shop.reader.check(CheckQuestion(**values | more))


@pytest.mark.parametrize(
    ("document", "pointer", "value"),
    [
        ({"value": 7}, "/value", 7),
        ({"data": [{"x": 1}, {"x": 2.5}]}, "/data/1/x", 2.5),
        ({"a/b": {"~c": 3}}, "/a~1b/~0c", 3),
        ({"": {"": 4}}, "//", 4),
        (5, "", 5),
        ({"value": 10**30}, "/value", 1e30),
    ],
)
def test_a_pointer_leads_to_the_value(shop: Watched, server: JsonServer, document: Any, pointer: str, value: float) -> None:
    server.answer(document)

    assert shop.ask("/errors", pointer=pointer).value == value


def test_a_path_gets_its_values_below_the_address(shop: Watched, server: JsonServer) -> None:
    server.answer({"value": 1})

    shop.ask("/errors/{feature}?env={environment}&variant={variant}&s={window}", pointer="/value", feature="a/b?c", variant="x&y")

    assert [each.path for each in server.asked] == ["/api/errors/a%2Fb%3Fc?env=production&variant=x%26y&s=300"]


@pytest.mark.parametrize("hostile", ["..", "../../admin", "%2e%2e", "\\..\\"])
def test_a_value_can_not_leave_the_address(shop: Watched, server: JsonServer, hostile: str) -> None:
    assert unknown_of(shop.ask("/flags/{feature}/errors", pointer="", feature=hostile))[0] == "source_refused"
    assert not server.asked


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"other": 1}, "no_data"),
        ({"value": None}, "no_data"),
        ({"value": "7"}, "not_a_number"),
        ({"value": True}, "not_a_number"),
        ({"value": [7]}, "not_a_number"),
        (b'{"value": NaN}', "not_a_number"),
        (b'{"value": 1e999}', "not_a_number"),
        (b'{"value": 1' + b"0" * 400 + b"}", "not_a_number"),
        (b'{"value": 1' + b"0" * 5000 + b"}", "source_refused"),
        (b"[" * 100_000, "source_refused"),
        (b'{"value": 1', "source_refused"),
        (b"\xff\xfe", "source_refused"),
        (b"", "source_refused"),
        (b'{"value": 1}' + b" " * 2**20, "source_down"),
    ],
)
def test_an_unusable_answer_can_not_tell(shop: Watched, server: JsonServer, document: Any, code: str) -> None:
    server.answer(document)

    assert unknown_of(shop.ask("/errors", pointer="/value"))[0] == code


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (500, "source_down", "500"),
        (503, "source_down", "503"),
        (429, "source_down", "429"),
        (404, "source_refused", "404"),
        (401, "source_refused", "credential"),
        (403, "source_refused", "credential"),
        (302, "source_refused", "redirects"),
    ],
)
def test_another_status_can_not_tell(shop: Watched, server: JsonServer, status: int, code: str, said: str) -> None:
    server.answer({"value": 1}, status, Location=server.address)

    found, message = unknown_of(shop.ask("/errors", pointer="/value"))

    assert found == code
    assert said in message
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("as_of", "code"),
    [("2026-03-02T08:59:00Z", None), ("2026-03-02T08:57:00Z", "stale"), (1_772_441_700, "stale"), ("x", "not_a_number"), (None, "no_data")],
)
def test_a_pointer_leads_to_the_time_of_the_data(shop: Watched, server: JsonServer, as_of: Any, code: str | None) -> None:
    server.answer({"value": 1, "at": as_of})

    sample = shop.ask("/errors", pointer="/value", as_of="/at", at=AT)

    assert (sample.unknown.code if sample.unknown else None) == code


def test_a_list_of_objects_becomes_groups(shop: Watched, server: JsonServer) -> None:
    server.answer({"rows": [{"group": "on", "n": 10, "successes": 5}, {"group": False, "n": 10, "successes": 0}]})

    sample = shop.ask("/errors", pointer="/rows", shape="GROUPS")

    assert [(group.name, group.mean) for group in sample.groups] == [("on", 0.5), ("false", 0)]


@pytest.mark.parametrize("rows", [{}, [1], "x", None])
def test_something_else_becomes_no_groups(shop: Watched, server: JsonServer, rows: Any) -> None:
    server.answer({"rows": rows})

    assert unknown_of(shop.ask("/errors", pointer="/rows", shape="GROUPS"))[0] == "not_a_number"


@pytest.mark.parametrize(
    ("username", "expected"),
    [(None, f"Bearer {SECRET}"), ("reader", "Basic cmVhZGVyOmNyZWRlbnRpYWwtb2YtYS1zb3VyY2U=")],
)
def test_a_credential_is_sent_to_its_source_only(shop: Watched, server: JsonServer, username: str | None, expected: str) -> None:
    shop.write_source("http", server.address, credential=SECRET, username=username)

    shop.ask("/errors", pointer="/value")

    assert server.asked[0].headers["authorization"] == expected


def test_a_source_that_repeats_the_credential_does_not_leak_it(shop: Watched, server: JsonServer) -> None:
    shop.write_source("prometheus", server.address, credential=SECRET)
    server.answer({"status": "error", "error": f"bad token {SECRET}"}, 400)

    _, message = unknown_of(shop.ask("up"))

    assert message == "Prometheus refused the query: bad token ***"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"status": "error"},
        {"status": "success"},
        {"status": "success", "data": {"resultType": "vector", "result": {}}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1]}]}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, 2]}]}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "2"]}]}},
        {"status": "success", "data": {"resultType": "scalar", "result": ["x", "2"]}},
        {"status": "success", "data": {"resultType": "other", "result": []}},
        {"status": "success", "data": {"resultType": ["vector"], "result": []}},
    ],
)
def test_a_server_that_is_no_prometheus_can_not_tell(shop: Watched, server: JsonServer, document: Any) -> None:
    shop.write_source("prometheus", server.address)
    server.answer(document)

    assert unknown_of(shop.ask("up"))[0] == "source_refused"


def test_a_long_message_of_a_source_is_cut(shop: Watched, server: JsonServer) -> None:
    shop.write_source("prometheus", server.address)
    server.answer({"status": "error", "error": "x\n" * 10_000}, 400)

    _, message = unknown_of(shop.ask("up"))

    assert len(message) < 400
    assert "\n" not in message


@pytest.mark.parametrize(
    ("status", "body", "outcome", "message", "until"),
    [
        (200, {}, "pass", "The check answered with status 200.", None),
        (204, b"", "pass", "The check answered with status 204.", None),
        (503, b"<html>", "fail", "The check answered with status 503.", None),
        (409, {"message": "Migrating"}, "fail", "Migrating", None),
        (409, {"message": "Migrating", "until": "2026-03-02T12:00:00+01:00"}, "fail", "Migrating", AT + timedelta(hours=2)),
        (409, {"message": 7, "until": "soon"}, "fail", "The check answered with status 409.", None),
        (302, {}, "fail", "The check answered with status 302.", None),
    ],
)
def test_a_check_passes_or_holds(
    shop: Watched, server: JsonServer, status: int, body: Any, outcome: str, message: str, until: datetime | None
) -> None:
    server.answer(body, status)

    answer = check(shop)

    assert (answer.outcome, answer.message, answer.until) == (outcome, message, until)
    assert server.asked[0].path == "/api/ready/checkout"


def test_a_check_that_can_not_be_made_is_unknown(shop: Watched) -> None:
    shop.write_source("http", "http://127.0.0.1:1", key="dead")
    shop.write_source("prometheus", "http://127.0.0.1:1", key="other")

    assert check(shop, source="dead").outcome == "unknown"
    assert "of kind http" in check(shop, source="other").message
    assert "Did you mean 'dead'" in check(shop, source="daed").message
    assert check(shop, feature="..").outcome == "unknown"


def test_a_server_without_that_page_still_answers(shop: Watched, server: JsonServer) -> None:
    with shop.world.database.reading() as store:
        stored = store.metric_sources.get(shop.world.project.id, "main")
    answers = []
    for status in (200, 404, 401, 500):
        server.answer({}, status)
        answers.append(shop.reader.answers("shop", stored)[0])

    assert answers == [True, True, False, False]
