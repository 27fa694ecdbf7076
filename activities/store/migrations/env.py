"""Alembic's environment. It uses the connection that `migrate` passes."""

from typing import Any, Literal

from alembic import context

from activities.store import metric_tables, provider_tables, watching_tables  # noqa: F401 (their tables are part of the metadata)
from activities.store.columns import UtcDateTime
from activities.store.tables import metadata


def _render_plainly(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Render plain SQLAlchemy types: migrations must not depend on types that may change later."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_render_plainly,
)
with context.begin_transaction():
    context.run_migrations()
