"""Sends each request in every role, from the fewest rights to the most, and checks the answers and the changes."""

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

from tests.api.places import Place
from tests.api.routes import PLACES
from tests.input.cases import Operation, Request, cases_of, use_existing
from tests.input.environment import InputEnvironment, readers_of
from tests.input.roles import ROLES, forbidden_changes
from tests.input.rows import rows_of
from tests.waiting import CEILING

VERSIONED = "/api/v1"
UNCHECKED = ("owner", "no key", "unknown key")
"""Roles after which the database is not read. An owner may change everything. A change without a key is found after the next role."""
AS_DOCUMENTED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


class Finding(NamedTuple):
    """A defect of one answer, with the request that reproduces it."""

    route: str
    role: str
    what: str
    request: str


def document_of(address: str) -> dict[str, Any]:
    """Return the OpenAPI document of a running API."""
    document: dict[str, Any] = requests.get(f"{address}/openapi.json", timeout=CEILING).json()
    return document


def operations_of(address: str, document: dict[str, Any]) -> list[Operation]:
    """Return every route of the document."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=address, request_timeout=CEILING)
    schema.config.max_stream_events = 1
    schema.config.generation.update(with_security_parameters=False)
    return [cast(Ok[Operation], found).ok() for found in schema.get_all_operations()]


def ask(environment: InputEnvironment, operation: Operation, examples: int, seed: int = 0) -> dict[str, Finding]:
    """Send that many requests to one route, and return one finding of each kind."""
    found: dict[str, Finding] = {}
    quiet = settings(max_examples=examples, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @hypothesis.seed(seed)
    @quiet
    @given(data=st.data(), case=cases_of(operation))
    def send(data: st.DataObject, case: Request) -> None:
        for finding in _answers(environment, data, case):
            found.setdefault(f"{finding.route} {finding.what[:60]}", finding)

    send()
    environment.repair()
    return found


def _answers(environment: InputEnvironment, data: st.DataObject, case: Request) -> Iterator[Finding]:
    route = case.operation.label.replace(f" {VERSIONED}", " ")
    if route in PLACES:
        use_existing(data, case, environment.place_of(route))
        yield from _in_every_role(environment, case)
    else:
        use_existing(data, case, _read(environment, route))
        for name, key in readers_of(environment).items():
            headers = {"X-Environment-Key": key, "X-API-Key": key} if key else {}
            yield from (Finding(route, name, *each) for each in _as_documented(case, headers)[1])


def _in_every_role(environment: InputEnvironment, case: Request) -> Iterator[Finding]:
    before = rows_of(environment.database)
    for role in ROLES:
        key = environment.keys[role.name]
        response, wrong = _as_documented(case, {"Authorization": f"Bearer {key}"} if key else {})
        after = before if role.name in UNCHECKED else rows_of(environment.database)
        leaked = [(f"received {text}", f"{response.status_code} {response.text[:500]}") for text in role.never if text in response.text]
        changed = [(what, case.as_curl_command()) for what in forbidden_changes(role, before ^ after, environment.development)]
        yield from (Finding(case.operation.label, role.name, *each) for each in wrong + leaked + changed)
        before = after


def _as_documented(case: Request, headers: Mapping[str, str]) -> tuple[Response, list[tuple[str, str]]]:
    response = case.call(headers=dict(headers))
    try:
        case.validate_response(response, checks=AS_DOCUMENTED, additional_checks=[_no_defect], headers=dict(headers))
    except FailureGroup as failures:
        return response, [(f"{each.title}: {each.message}", failures.args[0]) for each in failures.exceptions]
    return response, []


def _no_defect(_context: CheckContext, response: Response, _case: Request) -> None:
    assert response.status_code < 500 or response.json()["code"] == "temporal_unavailable", "a server error"


def _read(environment: InputEnvironment, route: str) -> Place:
    body = {"identifier": "ada"} if "identities" in route else {"context": {"targetingKey": "ada"}}
    return {"key": "checkout", "environment": environment.development}, body
