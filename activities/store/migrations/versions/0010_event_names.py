"""The audit log's and the webhooks' event `stage.held` becomes `stage.hold_ended`"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade() -> None:
    """Move the schema one step forward."""
    for table in ('audit_entries', 'deliveries'):
        events = sa.table(table, sa.column('event', sa.String))
        op.execute(events.update().where(events.c.event == 'stage.held').values(event='stage.hold_ended'))
    webhooks = sa.table('webhooks', sa.column('id', sa.String), sa.column('events', sa.JSON))
    connection = op.get_bind()
    for id_, events in connection.execute(sa.select(webhooks.c.id, webhooks.c.events)).all():
        if 'stage.held' in events:
            renamed = ['stage.hold_ended' if event == 'stage.held' else event for event in events]
            connection.execute(webhooks.update().where(webhooks.c.id == id_).values(events=renamed))
