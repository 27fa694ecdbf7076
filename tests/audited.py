"""An audit log that is longer than a page."""

from datetime import timedelta

from sqlalchemy import insert

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.tables import audit_entries
from domain.audit import AuditEvent
from tests.world import NOW


def fill_audit_log(database_url: str, entries: int, project: str = "shop") -> None:
    """Write that many changes of segments with unusual characters. Every third one is of `staff`."""
    database = Database(database_url)
    actor = {"actor_kind": "key", "actor_id": "k", "actor_owner": "olga"}
    rows = [
        {"id": new_id(), "at": NOW + timedelta(seconds=number), "event": AuditEvent.SEGMENT_CHANGED.value, "project": project, **actor}
        | {"segment": "staff" if number % 3 == 0 else "beta-users", "after": {"name": f"one\u2028line 🚀 {number}"}}
        for number in range(entries)
    ]
    with database.transaction() as store:
        store.connection.execute(insert(audit_entries), rows)
    database.close()
