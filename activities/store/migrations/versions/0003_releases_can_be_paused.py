"""Releases can be paused"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    """Move the schema one step forward."""
    with op.batch_alter_table('releases', schema=None) as batch_op:
        batch_op.add_column(sa.Column('paused', sa.JSON(none_as_null=True), nullable=True))
