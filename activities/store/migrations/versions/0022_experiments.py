"""Experiments"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'looks',
        sa.Column('watch_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('at', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('look', sa.JSON(), nullable=False),
        sa.Column('split', sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(['watch_id'], ['watches.id'], name=op.f('fk_looks_watch_id')),
        sa.PrimaryKeyConstraint('watch_id', 'at', name=op.f('pk_looks')),
    )
    op.create_table(
        'decisions',
        sa.Column('release_id', sa.String(length=36), nullable=False),
        sa.Column('visit', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('key', sa.String(length=140), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ships', sa.String(length=64), nullable=False),
        sa.Column('decision', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['release_id'], ['releases.id'], name=op.f('fk_decisions_release_id')),
        sa.PrimaryKeyConstraint('release_id', 'visit', 'key', name=op.f('pk_decisions')),
    )
