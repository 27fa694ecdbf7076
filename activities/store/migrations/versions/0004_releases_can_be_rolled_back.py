"""Releases can be rolled back"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    """Move the schema one step forward."""
    with op.batch_alter_table('releases', schema=None) as batch_op:
        batch_op.add_column(sa.Column('rollback', sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table('changes', schema=None) as batch_op:
        batch_op.add_column(sa.Column('undoes_from', sa.Integer(), nullable=True))
        batch_op.alter_column('key', existing_type=sa.String(length=64), type_=sa.String(length=128), existing_nullable=False)
