"""Who asks, from the least right to the greatest, and what each of them may change and see at most."""

from typing import Any, NamedTuple

from tests.http import OWNER_KEY, Api
from tests.input.rows import Row

CANARY = "not-for-strangers"
"""In names of the project asked about: its keys tell nothing, they are in every path that is sent."""

ELSEWHERE = "of-another-project"
HOOK = "not-for-operators"

_BOOKS = frozenset({"audit_entries", "requests"})
_KEYS = frozenset({"api_keys", "owners", "spent_secrets"})
_OPERATED = _BOOKS | {"feature_states", "segments", "numbers", "freezes", "stops", "deliveries", "serving", "features"}
_OPERATED |= {"releases", "seen", "stage_runs", "changes", "approvals"}
_ADMINISTERED = _OPERATED | _KEYS | {"projects", "environments", "pipelines", "webhooks"}


class Role(NamedTuple):
    """One who asks, with the tables that may change by it and what it must not be told."""

    name: str
    grant: dict[str, Any] | None
    tables: frozenset[str]
    never: tuple[str, ...]


def _shop(role: str, *environments: str) -> dict[str, Any]:
    return {"project": "shop", "role": role} | ({"environments": list(environments)} if environments else {})


_ON_DEVELOPMENT = _OPERATED
_STRANGE = (CANARY, ELSEWHERE, HOOK, "ser.")
ROLES = (
    Role("no key", None, frozenset(), _STRANGE),
    Role("unknown key", None, frozenset(), _STRANGE),
    Role("viewer", _shop("viewer"), frozenset(), (ELSEWHERE, HOOK, "ser.")),
    Role("admin elsewhere", {"project": "elsewhere", "role": "admin"}, _KEYS | _BOOKS, (CANARY, HOOK, "ser.")),
    Role("operator on development", _shop("operator", "development"), _ON_DEVELOPMENT, (ELSEWHERE, HOOK)),
    Role("operator on all", _shop("operator", "*"), _OPERATED, (ELSEWHERE, HOOK)),
    Role("admin", _shop("admin"), _ADMINISTERED, (ELSEWHERE,)),
    Role("owner", None, _ADMINISTERED, ()),
)


def key_of(api: Api, role: Role) -> str | None:
    """A new key in that role; none is sent for `no key`."""
    if role.grant is None:
        return {"no key": None, "unknown key": "fh_nobody_knows_this_key_at_all", "owner": OWNER_KEY}[role.name]
    owner = {"kind": "person", "name": role.name}
    secret: str = api.post("/keys", {"name": role.name, "owner": owner, "grants": [role.grant]})["secret"]
    return secret


def overstepped(role: Role, changed: frozenset[Row], environment: str) -> list[str]:
    """What changed and must not have, by what that role may do; it may operate the environment with this id at least."""
    wrong = [row for row in changed if row.table not in role.tables or _beyond(role, row, environment)]
    return [f"{row.table}: {row.content[:300]}" for row in wrong]


def _beyond(role: Role, row: Row, environment: str) -> bool:
    columns = row.columns
    if role.name == "operator on development" and row.table == "feature_states":
        return bool(columns["environment_id"] != environment)
    if role.name != "owner" and row.table == "api_keys":
        own = "elsewhere" if role.name == "admin elsewhere" else "shop"
        return any(grant["project"] != own for grant in columns["grants"])
    return role.name == "admin" and row.table == "projects" and columns["key"] != "shop"
