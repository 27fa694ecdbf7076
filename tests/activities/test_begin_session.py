"""Sessions of people who have signed in at the identity provider, on both databases."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from activities.commands.begin_session import SignedIn, begin_session
from activities.store.database import Database
from domain.access import Account, Caller, Grant, Role
from domain.errors import NotAllowed
from tests.threads import at_once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LASTS = timedelta(hours=12)
VIEWER, ADMIN = (Grant(project="shop", role=role) for role in (Role.VIEWER, Role.ADMIN))
DANA = Account(issuer="https://id.example", subject="1", name="dana")


def _begin(database: Database, account: Account, *grants: Grant) -> str | None:
    with database.transaction() as store:
        return begin_session(store, SignedIn(account), grants, NOW, LASTS)


def _caller(database: Database, token: str | None, at: datetime = NOW) -> Caller | None:
    with database.reading() as store:
        return store.sessions.caller(token, at) if token else None


def test_a_session_has_the_rights_of_the_account_until_it_expires(database: Database) -> None:
    token = _begin(database, DANA, VIEWER)

    caller = _caller(database, token, NOW + LASTS - timedelta(seconds=1))
    assert caller
    assert (caller.owner.kind, caller.owner.name, caller.access.grants) == ("person", "dana", (VIEWER,))
    assert _caller(database, token, NOW + LASTS) is None


def test_the_owner_has_the_rights_of_the_last_sign_in_after_the_session(database: Database) -> None:
    caller = _caller(database, _begin(database, DANA, VIEWER))
    _begin(database, DANA, ADMIN)

    assert caller
    with database.reading() as store:
        owner, access = store.keys.owner(caller.owner_id)
    assert (owner.name, access.grants) == ("dana", (ADMIN,))


def test_without_grants_the_rights_of_the_owner_and_all_sessions_end(database: Database) -> None:
    token = _begin(database, DANA, VIEWER)
    caller = _caller(database, token)

    assert _begin(database, DANA) is None

    assert caller
    assert _caller(database, token) is None
    with database.reading() as store:
        assert store.keys.owner(caller.owner_id)[1].grants == ()


def test_the_subject_of_another_issuer_is_another_account(database: Database) -> None:
    _begin(database, DANA, VIEWER)

    with pytest.raises(NotAllowed, match="already belongs to an owner"):
        _begin(database, DANA.model_copy(update={"issuer": "https://other.example"}), ADMIN)


def test_of_many_new_accounts_with_one_name_exactly_one_signs_in(database: Database) -> None:
    accounts = [DANA.model_copy(update={"subject": str(number)}) for number in range(8)]

    def sign_in(account: Account) -> str | None:
        try:
            return _begin(database, account, VIEWER)
        except NotAllowed:
            return None

    tokens = at_once(*(partial(sign_in, account) for account in accounts))

    assert len([token for token in tokens if _caller(database, token)]) == 1
