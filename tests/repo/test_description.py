"""The OpenAPI document is complete: names, tags, references and problem responses."""

import re
from collections.abc import Iterator
from typing import Any

from api.app import create_app
from api.openapi_schema import TAGS
from settings import Settings

DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_reference_resolves() -> None:
    references = set(re.findall(r"#/components/schemas/([\w.-]+)", str(DOCUMENT)))

    assert references
    assert references <= set(DOCUMENT["components"]["schemas"])


def test_every_operation_has_a_summary_a_tag_and_a_unique_id() -> None:
    names = [operation["operationId"] for _, operation in _operations()]

    assert len(names) == len(set(names))
    assert [name for name, each in _operations() if len(each["summary"].split()) < 2] == []
    assert {tag for _, operation in _operations() for tag in operation["tags"]} == set(TAGS)


def test_every_versioned_route_needs_a_key() -> None:
    without = [name for name, operation in _operations() if "security" not in operation]

    streams = ["GET /ofrep/v1/streams/{environment}", "GET /flagsmith/api/v1/sse/environments/{environment}/stream"]
    assert without == [*streams, "GET /healthz", "GET /readyz", "GET /metrics", "GET /problems"]
    assert DOCUMENT["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def test_error_responses_are_problem_documents() -> None:
    for name, operation in _operations():
        if operation["tags"] == ["evaluation"]:
            assert ("401" in operation["responses"]) == ("security" in operation), name
            continue
        problems = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {kind for answer in problems.values() for kind in answer["content"]} <= {"application/problem+json"}, name
        if "security" in operation:
            assert {"401", "422", "503"} <= set(problems), name
            assert ("404" in problems) == ("{" in name), name
            assert ("415" in problems) == ("requestBody" in operation), name


def test_routes_without_problem_documents_declare_their_responses() -> None:
    answers = {name: operation["responses"] for name, operation in _operations()}

    for stream in ("GET /ofrep/v1/streams/{environment}", "GET /flagsmith/api/v1/sse/environments/{environment}/stream"):
        assert {status: list(answer["content"]) for status, answer in answers[stream].items()} == {
            "200": ["text/event-stream"],
            "404": ["application/json"],
        }
    assert set(answers["GET /flagsmith/api/v1/flags/"]) == {"200", "400", "401", "404"}
    assert set(answers["GET /flagsmith/api/v1/environment-document/"]) == {"200", "304", "400", "401", "403"}
    assert list(answers["GET /problems"]["200"]["content"]) == ["text/markdown"]


def test_rollback_preview_has_the_error_responses_of_a_rollback() -> None:
    rollback = DOCUMENT["paths"]["/api/v1/projects/{project}/releases/{release}/rollback"]

    assert {"401", "403", "404", "409", "422"} <= set(rollback["get"]["responses"]) <= set(rollback["post"]["responses"]) | {"200"}
