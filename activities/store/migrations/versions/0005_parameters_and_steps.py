"""Releases have parameters, and stages steps"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Move the schema one step forward."""
    with op.batch_alter_table('releases', schema=None) as batch_op:
        batch_op.add_column(sa.Column('step', sa.Integer(), nullable=False, server_default='1'))
        batch_op.add_column(sa.Column('parameters', sa.JSON(), nullable=False, server_default='{}'))
