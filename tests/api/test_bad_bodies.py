"""Invalid bodies: every route answers with a problem document and changes nothing."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.api.answers import audit_log, pointers, problem_of
from tests.api.routes import BODY_IS_OPTIONAL, WITH_A_BODY, prepare
from tests.http import Api, get_url

JSON = {"content-type": "application/json"}


@pytest.fixture
def refused(api: Api) -> Callable[..., None]:
    """Send a body to every route that accepts one. All must refuse it in the same way, and nothing may change."""
    api.make_project()

    def send(
        make: Callable[[Any], bytes | Iterator[bytes]],
        status: int,
        code: str,
        *at: str,
        headers: dict[str, str] = JSON,
        routes: Sequence[str] = WITH_A_BODY,
    ) -> None:
        for route in routes:
            method, path, body = prepare(api, route)
            before = audit_log(api)
            answer = api.client.request(method, path, content=make(body), headers=headers)
            problem = problem_of(answer, status, code)
            assert pointers(problem) == list(at), f"{route}: {answer.text[:500]}"
            assert audit_log(api) == before, route

    return send


def test_body_that_is_not_json_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda body: json.dumps(body).encode()[:-1], 400, "json_invalid", "")


def test_body_that_is_not_text_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda _: b'{"key": "\xff\xfe"}', 400, "json_invalid", "")


def test_deeply_nested_body_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda _: b'{"rules": ' + b"[" * 10_000, 400, "json_invalid", "")


def test_number_with_thousands_of_digits_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda _: b'{"key": ' + b"9" * 5_000 + b"}", 400, "json_invalid", "")


def test_nan_and_infinity_are_refused(api: Api) -> None:
    api.make_project()

    for constant in ("NaN", "Infinity", "-Infinity"):
        condition = f'{{"property": "age", "operator": "EQUAL", "value": {constant}}}'
        body = f'{{"key": "old", "rules": [{{"type": "ALL", "conditions": [{condition}]}}]}}'
        answer = api.client.post("/projects/shop/segments", content=body, headers=JSON)
        assert constant in problem_of(answer, 400, "json_invalid")["errors"][0]["message"]


def test_repeated_name_is_refused_instead_of_losing_a_value(api: Api) -> None:
    answer = api.client.post("/projects", content=b'{"key": "first", "key": "second"}', headers=JSON)

    assert "'key' is repeated" in problem_of(answer, 400, "json_invalid")["errors"][0]["message"]
    assert api.get("/projects")["items"] == []


def test_document_that_is_not_an_object_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda _: b"[]", 422, "invalid", "")
    refused(lambda _: b"null", 422, "invalid", "", routes=[route for route in WITH_A_BODY if route not in BODY_IS_OPTIONAL])


def test_form_body_is_refused_with_the_remedy(refused: Callable[..., None]) -> None:
    refused(lambda _: b"key=shop", 415, "unsupported_media_type", headers={"content-type": "application/x-www-form-urlencoded"})


def test_undeclared_json_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda body: json.dumps(body).encode(), 415, "unsupported_media_type", headers={"content-type": "text/plain"})


def test_unknown_field_is_refused_and_pointed_at(refused: Callable[..., None]) -> None:
    refused(lambda body: json.dumps(body | {"sur/pri~se": 1}).encode(), 422, "invalid", "/sur~1pri~0se")


def test_body_that_is_too_large_is_refused(refused: Callable[..., None]) -> None:
    refused(lambda body: json.dumps(body).encode() + b" " * 300_000, 413, "body_too_large")


def test_body_that_is_too_large_is_refused_without_content_length(refused: Callable[..., None]) -> None:
    refused(lambda _: (b" " * 10_000 for _ in range(30)), 413, "body_too_large")


def test_thousands_of_unknown_fields_do_not_make_the_response_huge(api: Api) -> None:
    body = {"key": "shop"} | {f"field{number}": number for number in range(10_000)}

    answer = api.request("POST", "/projects", body)

    assert len(problem_of(answer, 422, "invalid")["errors"]) == 100
    assert len(answer.content) < 20_000


def test_body_is_accepted_up_to_its_limit(api: Api) -> None:
    body = b'{"key": "shop"}'.ljust(256 * 1024)

    assert api.client.post("/projects", content=body, headers=JSON).status_code == 201
    problem_of(api.client.post("/projects", content=body + b" ", headers=JSON), 413, "body_too_large")


def test_wrong_method_and_unknown_path_are_problem_documents(api: Api) -> None:
    wrong = api.request("PUT", "/projects", {})
    unknown = api.request("GET", "/projekts")
    slash = api.request("GET", "/projects/")
    outside = get_url(f"{api.address}/nowhere")

    problem_of(wrong, 405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) <= {"GET", "POST"}
    for answer in (unknown, slash, outside):
        problem_of(answer, 404, "not_found")
