"""What a problem document must be, whatever went wrong."""

from typing import Any

import httpx

from tests.http import Api


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer; anything else fails the test."""
    where = f"{answer.request.method} {answer.request.url.path[:200]}: {answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json", where
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), where
    assert problem["type"] == f"/problems#{code}", where
    assert problem["title"], where
    assert problem["detail"], where
    for each in problem["errors"]:
        assert set(each) == {"in", "pointer", "code", "message"}, where
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    """Where the mistakes are, in their order."""
    return [each["pointer"] for each in problem["errors"]]


def audit_log(api: Api, project: str = "shop") -> list[str]:
    """The ids of everything that was done in a project."""
    items = api.get(f"/projects/{project}/audit", limit=200)["items"]
    return [entry["id"] for entry in items]
