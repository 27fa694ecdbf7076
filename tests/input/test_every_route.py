"""Every route of the OpenAPI document under generated requests, in every role."""

from typing import Any

import pytest

from activities.store.database import Database
from tests.http import OWNER_KEY, Api
from tests.input.environment import InputEnvironment
from tests.input.requests import Finding, ask, document_of, operations_of
from tests.input.roles import CANARY, ROLES, forbidden_changes
from tests.input.rows import rows_of

PARTS = 4
"""Shares of the routes for several test workers."""

BY_NAME = {role.name: role for role in ROLES}


@pytest.fixture
def environment(api: Api, sqlite: Database) -> InputEnvironment:
    return InputEnvironment(api, sqlite)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_documented_and_no_key_exceeds_its_rights(environment: InputEnvironment, part: int) -> None:
    document = document_of(environment.api.address)
    operations = operations_of(environment.api.address, document)

    found = {operation.label: ask(environment, operation, examples=2) for operation in operations[part::PARTS]}

    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    assert [finding for findings in found.values() for finding in findings.values()] == []


def test_forbidden_read_is_found(environment: InputEnvironment) -> None:
    environment.keys["admin elsewhere"] = OWNER_KEY

    found = _found(environment, document_of(environment.api.address), "GET /api/v1/projects")

    assert [(finding.role, finding.what) for finding in found] == [("admin elsewhere", f"received {CANARY}")]


def test_forbidden_change_is_found(environment: InputEnvironment) -> None:
    before = rows_of(environment.database)
    environment.api.patch("/projects/shop/environments/production/features/checkout", {"enabled": True})
    by_production = before ^ rows_of(environment.database)
    environment.api.make_key("mallory", {"role": "owner"})
    by_key = before ^ rows_of(environment.database)

    assert forbidden_changes(BY_NAME["operator on all"], by_production, environment.development) == []
    assert {
        found.split(":")[0] for found in forbidden_changes(BY_NAME["operator on development"], by_production, environment.development)
    } == {"feature_states"}
    assert {"api_keys"} == {found.split(":")[0] for found in forbidden_changes(BY_NAME["admin"], by_key, environment.development)}


def test_undocumented_answer_is_found(environment: InputEnvironment) -> None:
    document = document_of(environment.api.address)
    del document["paths"]["/api/v1/whoami"]["get"]["responses"]["401"]

    found = _found(environment, document, "GET /api/v1/whoami")

    assert [(finding.role, finding.what.split(":")[0]) for finding in found] == [("no key", "Undocumented status code")]


def _found(environment: InputEnvironment, document: dict[str, Any], label: str) -> list[Finding]:
    [operation] = [each for each in operations_of(environment.api.address, document) if each.label == label]
    return list(ask(environment, operation, examples=2).values())
