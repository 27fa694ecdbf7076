"""Watches that are taken over"""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'watchers',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('beats', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watchers')),
    )
    op.create_table(
        'open_watches',
        sa.Column('release_id', sa.String(length=36), nullable=False),
        sa.Column('visit', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('watcher', sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(['release_id'], ['releases.id'], name=op.f('fk_open_watches_release_id')),
        sa.PrimaryKeyConstraint('release_id', 'visit', name=op.f('pk_open_watches')),
    )
    op.create_index(op.f('ix_open_watches_watcher'), 'open_watches', ['watcher'])
