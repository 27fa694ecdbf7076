"""Roles, grants and rights."""

from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from domain.access import Access, Caller, Grant, Owner, Role, check_right
from domain.errors import NotAllowed, NotFound, RightMissing


def grant(role: str, *environments: str, project: str | None = "shop") -> Grant:
    return Grant(project=None if role == "owner" else project, role=Role(role), environments=environments)


def caller(*grants: Grant) -> Caller:
    return Caller(key="k", owner=Owner(kind="person", name="olivia"), owner_id="o", access=Access(grants=grants))


OWNER, ADMIN, VIEWER = grant("owner"), grant("admin"), grant("viewer")
PRODUCTION, STAGING = grant("operator", "production"), grant("operator", "staging")
BOTH, EVERYWHERE = grant("operator", "staging", "production"), grant("operator", "*")
ELSEWHERE = grant("admin", project="other")
GRANTS = {
    "owner": OWNER,
    "admin": ADMIN,
    "viewer": VIEWER,
    "production": PRODUCTION,
    "staging": STAGING,
    "both": BOTH,
    "everywhere": EVERYWHERE,
    "elsewhere": ELSEWHERE,
}
COVERED = {
    "owner": set(GRANTS),
    "admin": {"admin", "viewer", "production", "staging", "both", "everywhere"},
    "viewer": {"viewer"},
    "production": {"production", "viewer"},
    "staging": {"staging", "viewer"},
    "both": {"production", "staging", "both", "viewer"},
    "everywhere": {"production", "staging", "both", "everywhere", "viewer"},
    "elsewhere": {"elsewhere"},
}


@pytest.mark.parametrize(("mine", "other"), list(product(GRANTS, GRANTS)))
def test_a_grant_covers_exactly_the_grants_it_includes(mine: str, other: str) -> None:
    assert GRANTS[mine].covers(GRANTS[other]) == (other in COVERED[mine])
    assert Access(grants=(GRANTS[mine],)).covers([GRANTS[other]]) == (other in COVERED[mine])


def test_grants_add_up() -> None:
    access = Access(grants=(PRODUCTION, STAGING))

    assert access.covers([BOTH, VIEWER])
    assert not access.covers([EVERYWHERE])
    assert not access.covers([BOTH, ADMIN])
    assert not access.covers([grant("operator", "production", project="other")])
    assert Access().covers([])


#          sees,  administers, operates production, operates staging
RIGHTS = {
    "owner": (True, True, True, True),
    "admin": (True, True, True, True),
    "viewer": (True, False, False, False),
    "production": (True, False, True, False),
    "staging": (True, False, False, True),
    "both": (True, False, True, True),
    "everywhere": (True, False, True, True),
    "elsewhere": (False, False, False, False),
}


@pytest.mark.parametrize("name", RIGHTS)
def test_every_role_has_exactly_its_rights(name: str) -> None:
    access = Access(grants=(GRANTS[name],))

    assert (
        access.sees("shop"),
        access.administers("shop"),
        access.operates("shop", "production"),
        access.operates("shop", "staging"),
    ) == RIGHTS[name]
    assert access.is_owner == (name == "owner")


def outcome(check: Any, *arguments: Any) -> str:
    """Return how a check of a caller ends."""
    try:
        check(*arguments)
    except NotFound:
        return "not found"
    except NotAllowed:
        return "not allowed"
    return "allowed"


@pytest.mark.parametrize("name", RIGHTS)
def test_other_projects_are_not_found_and_a_missing_right_in_an_own_project_is_not_allowed(name: str) -> None:
    sees, administers, production, staging = RIGHTS[name]
    me = caller(GRANTS[name])

    def expected(allowed: bool) -> str:
        return "allowed" if allowed else "not allowed" if sees else "not found"

    assert outcome(me.must_see, "shop") == expected(sees)
    assert outcome(me.must_administer, "shop") == expected(administers)
    assert outcome(me.must_operate, "shop", ["production"]) == expected(production)
    assert outcome(me.must_operate, "shop", ["staging", "production"]) == expected(production and staging)
    assert outcome(me.must_operate_somewhere, "shop") == expected(production or staging)
    assert outcome(me.must_be_owner) == ("allowed" if name == "owner" else "not allowed")


@pytest.mark.parametrize("name", RIGHTS)
def test_a_control_that_touches_no_environment_still_requires_an_operator(name: str) -> None:
    """A viewer may watch a release in its last hold, but not end it."""
    sees, _, production, staging = RIGHTS[name]

    expected = "allowed" if production or staging else "not allowed" if sees else "not found"
    assert outcome(caller(GRANTS[name]).must_operate, "shop", []) == expected


def test_a_refusal_names_the_environments_for_which_the_right_is_missing() -> None:
    with pytest.raises(NotAllowed) as refused:
        caller(PRODUCTION).must_operate("shop", ["production", "staging", "development"])

    assert refused.value.details == {"environments": ["staging", "development"]}


def test_a_release_acts_only_while_its_responsible_owner_has_the_right() -> None:
    check_right(Access(grants=(PRODUCTION,)), "shop", "production", "olivia")
    with pytest.raises(RightMissing, match="olivia no longer has the right"):
        check_right(Access(grants=(STAGING,)), "shop", "production", "olivia")
    with pytest.raises(RightMissing):
        check_right(Access(), "shop", "production", "olivia")


@pytest.mark.parametrize(
    "written",
    [
        {"role": "admin"},
        {"role": "owner", "project": "shop"},
        {"role": "operator", "project": "shop"},
        {"role": "operator", "project": "shop", "environments": []},
        {"role": "operator", "project": "shop", "environments": ["Production!"]},
        {"role": "viewer", "project": "shop", "environments": ["production"]},
        {"role": "admin", "project": "shop", "environments": ["*"]},
        {"role": "god", "project": "shop"},
        {"role": "viewer", "project": "*"},
    ],
)
def test_an_invalid_grant_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Grant.model_validate(written)
