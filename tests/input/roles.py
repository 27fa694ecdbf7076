"""The roles of the requests, from the fewest rights to the most, with what each may change and see."""

from typing import Any, NamedTuple

from tests.http import OWNER_KEY, Api
from tests.input.rows import Row

CANARY = "not-for-strangers"
"""In the names of the project `shop`. Keys would prove nothing, since every path contains them."""

ELSEWHERE = "of-another-project"
HOOK = "not-for-operators"

_ALWAYS_WRITTEN = frozenset({"audit_entries", "requests"})
_KEYS = frozenset({"api_keys", "owners", "spent_secrets"})
_OPERATED = _ALWAYS_WRITTEN | {"feature_states", "segments", "numbers", "freezes", "stops", "deliveries", "serving", "features"}
_OPERATED |= {"releases", "seen", "stage_runs", "changes", "approvals"}
_ADMINISTERED = _OPERATED | _KEYS | {"projects", "environments", "pipelines", "webhooks", "connections", "system_names"}
_ADMINISTERED |= {"metric_sources", "metrics"}


class Role(NamedTuple):
    """A role, with the tables that it may change and the texts that it must never receive."""

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
    Role("admin elsewhere", {"project": "elsewhere", "role": "admin"}, _KEYS | _ALWAYS_WRITTEN, (CANARY, HOOK, "ser.")),
    Role("operator on development", _shop("operator", "development"), _ON_DEVELOPMENT, (ELSEWHERE, HOOK)),
    Role("operator on all", _shop("operator", "*"), _OPERATED, (ELSEWHERE, HOOK)),
    Role("admin", _shop("admin"), _ADMINISTERED, (ELSEWHERE,)),
    Role("owner", None, _ADMINISTERED, ()),
)


def key_of(api: Api, role: Role) -> str | None:
    """Create a key in that role, and return its secret, or nothing for `no key`."""
    if role.grant is None:
        return {"no key": None, "unknown key": "fh_nobody_knows_this_key_at_all", "owner": OWNER_KEY}[role.name]
    owner = {"kind": "person", "name": role.name}
    secret: str = api.post("/keys", {"name": role.name, "owner": owner, "grants": [role.grant]})["secret"]
    return secret


def forbidden_changes(role: Role, changed: frozenset[Row], environment: str) -> list[str]:
    """Return the changed rows that the role has no right to change. An operator has rights in the environment with this id."""
    wrong = [row for row in changed if row.table not in role.tables or _is_out_of_scope(role, row, environment)]
    return [f"{row.table}: {row.content[:300]}" for row in wrong]


def _is_out_of_scope(role: Role, row: Row, environment: str) -> bool:
    columns = row.columns
    if role.name == "operator on development" and row.table == "feature_states":
        return bool(columns["environment_id"] != environment)
    if role.name != "owner" and row.table == "api_keys":
        own = "elsewhere" if role.name == "admin elsewhere" else "shop"
        return any(grant["project"] != own for grant in columns["grants"])
    return role.name == "admin" and row.table == "projects" and columns["key"] != "shop"
