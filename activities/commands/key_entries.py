"""Audit entries about API keys, each in the caller's transaction."""

from datetime import datetime

from activities.store.database import Store
from activities.store.keys import ApiKey
from domain.access import Caller
from domain.audit import AuditEvent


def record_key_entry(store: Store, caller: Caller, event: AuditEvent, key: ApiKey, at: datetime) -> None:
    """Write one entry for each project, without the grants on other projects."""
    projects = sorted({grant.project for grant in key.grants if grant.project})
    entries: list[str | None] = [*projects] or [None]
    for project in entries:
        shown = key.model_copy(update={"grants": tuple(grant for grant in key.grants if grant.project == project)})
        after = shown.model_dump(mode="json", include={"id", "name", "owner", "grants"})
        store.audit.record(caller, event, at, project=project, after=after)
