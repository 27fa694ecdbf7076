"""Assertions about problem documents, and the audit log."""

from typing import Any

import httpx

from tests.http import Api


def problem_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem document of a response, or fail the test."""
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
    """Return the pointers of the mistakes, in order."""
    return [each["pointer"] for each in problem["errors"]]


def audit_log(api: Api, project: str = "shop") -> list[str]:
    """Return the ids of the audit entries of a project."""
    items = api.get(f"/projects/{project}/audit", limit=200)["items"]
    return [entry["id"] for entry in items]
