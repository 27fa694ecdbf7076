"""Traces of the outbox"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.add_column('outbox', sa.Column('traceparent', sa.String(length=55), nullable=True))
