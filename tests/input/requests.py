"""Sends each request in every role, from the least right to the greatest, and looks at what is answered and what is changed."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Response
from schemathesis.checks import CheckContext, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from tests.api.routes import PLACES, Place
from tests.input.cases import Operation, Request, cases_of, ground_case
from tests.input.environment import Ground, readers_of
from tests.input.roles import ROLES, overstepped
from tests.input.rows import rows_of

VERSIONED = "/api/v1"
UNSEEN = ("owner", "no key", "unknown key")
"""After whom nobody looks at the database: an owner may change everything; what those without a key changed, the next one is blamed for."""
AS_DOCUMENTED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


class Finding(NamedTuple):
    """What was wrong with one answer."""

    route: str
    role: str
    what: str
    again: str


def document_of(address: str) -> dict[str, Any]:
    """The OpenAPI document that a running API answers with."""
    document: dict[str, Any] = requests.get(f"{address}/openapi.json", timeout=30).json()
    return document


def operations_of(address: str, document: dict[str, Any]) -> list[Operation]:
    """Every route of the document."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=address, request_timeout=10)
    schema.config.max_stream_events = 1
    schema.config.generation.update(with_security_parameters=False)
    return [cast(Ok[Operation], found).ok() for found in schema.get_all_operations()]


def ask(ground: Ground, operation: Operation, examples: int, seed: int = 0) -> dict[str, Finding]:
    """Send as many requests to one route; the findings, one of each kind."""
    found: dict[str, Finding] = {}
    quiet = settings(max_examples=examples, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @hypothesis.seed(seed)
    @quiet
    @given(data=st.data(), case=cases_of(operation))
    def send(data: st.DataObject, case: Request) -> None:
        for finding in _answers(ground, data, case):
            found.setdefault(f"{finding.route} {finding.what[:60]}", finding)

    send()
    ground.mend()
    return found


def _answers(ground: Ground, data: st.DataObject, case: Request) -> Iterator[Finding]:
    route = case.operation.label.replace(f" {VERSIONED}", " ")
    if route in PLACES:
        ground_case(data, case, ground.place_of(route))
        yield from _in_every_role(ground, case)
    else:
        ground_case(data, case, _read(ground, route))
        for name, key in readers_of(ground).items():
            headers = {"X-Environment-Key": key, "X-API-Key": key} if key else {}
            yield from (Finding(route, name, *each) for each in _as_documented(case, headers)[1])


def _in_every_role(ground: Ground, case: Request) -> Iterator[Finding]:
    before = rows_of(ground.database)
    for role in ROLES:
        key = ground.keys[role.name]
        response, wrong = _as_documented(case, {"Authorization": f"Bearer {key}"} if key else {})
        after = before if role.name in UNSEEN else rows_of(ground.database)
        told = [(f"was told {text}", f"{response.status_code} {response.text[:500]}") for text in role.never if text in response.text]
        changed = [(what, case.as_curl_command()) for what in overstepped(role, before ^ after, ground.development)]
        yield from (Finding(case.operation.label, role.name, *each) for each in wrong + told + changed)
        before = after


def _as_documented(case: Request, headers: Mapping[str, str]) -> tuple[Response, list[tuple[str, str]]]:
    response = case.call(headers=dict(headers))
    try:
        case.validate_response(response, checks=AS_DOCUMENTED, additional_checks=[_no_defect], headers=dict(headers))
    except FailureGroup as failures:
        return response, [(f"{each.title}: {each.message}", failures.args[0]) for each in failures.exceptions]
    return response, []


def _no_defect(_context: CheckContext, response: Response, _case: Request) -> None:
    assert response.status_code < 500 or response.json()["code"] == "temporal_unavailable", "it is a defect"


def _read(ground: Ground, route: str) -> Place:
    body = {"identifier": "ada"} if "identities" in route else {"context": {"targetingKey": "ada"}}
    return {"key": "checkout", "environment": ground.development}, body
