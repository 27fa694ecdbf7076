"""Every route of the OpenAPI document, under requests that nobody thought of, in every role."""

from typing import Any

import pytest

from activities.store.database import Database
from tests.http import OWNER_KEY, Api
from tests.input.environment import Ground
from tests.input.requests import Finding, ask, document_of, operations_of
from tests.input.roles import CANARY, ROLES, overstepped
from tests.input.rows import rows_of

PARTS = 4
"""So that several workers share the routes."""

BY_NAME = {role.name: role for role in ROLES}


@pytest.fixture
def ground(api: Api, sqlite: Database) -> Ground:
    """What is asked about."""
    return Ground(api, sqlite)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_as_documented_and_no_key_goes_beyond_its_rights(ground: Ground, part: int) -> None:
    document = document_of(ground.api.address)
    operations = operations_of(ground.api.address, document)

    found = {operation.label: ask(ground, operation, examples=2) for operation in operations[part::PARTS]}

    assert len(operations) == sum(len(methods) for methods in document["paths"].values())
    assert [finding for findings in found.values() for finding in findings.values()] == []


def test_who_reads_what_is_not_theirs_is_found_out(ground: Ground) -> None:
    ground.keys["admin elsewhere"] = OWNER_KEY

    found = _found(ground, document_of(ground.api.address), "GET /api/v1/projects")

    assert [(finding.role, finding.what) for finding in found] == [("admin elsewhere", f"was told {CANARY}")]


def test_who_changes_what_is_not_theirs_is_found_out(ground: Ground) -> None:
    before = rows_of(ground.database)
    ground.api.patch("/projects/shop/environments/production/features/checkout", {"enabled": True})
    by_production = before ^ rows_of(ground.database)
    ground.api.make_key("mallory", {"role": "owner"})
    by_key = before ^ rows_of(ground.database)

    assert overstepped(BY_NAME["operator on all"], by_production, ground.development) == []
    assert {found.split(":")[0] for found in overstepped(BY_NAME["operator on development"], by_production, ground.development)} == {
        "feature_states"
    }
    assert {"api_keys"} == {found.split(":")[0] for found in overstepped(BY_NAME["admin"], by_key, ground.development)}


def test_an_answer_that_is_not_documented_is_found_out(ground: Ground) -> None:
    document = document_of(ground.api.address)
    del document["paths"]["/api/v1/whoami"]["get"]["responses"]["401"]

    found = _found(ground, document, "GET /api/v1/whoami")

    assert [(finding.role, finding.what.split(":")[0]) for finding in found] == [("no key", "Undocumented status code")]


def _found(ground: Ground, document: dict[str, Any], label: str) -> list[Finding]:
    [operation] = [each for each in operations_of(ground.api.address, document) if each.label == label]
    return list(ask(ground, operation, examples=2).values())
