"""Samples of guardrails and gates"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'watches',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('release_id', sa.String(length=36), nullable=False),
        sa.Column('visit', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(length=140), nullable=False),
        sa.Column('observed', sa.JSON(), nullable=False),
        sa.Column('sampled_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['release_id'], ['releases.id'], name=op.f('fk_watches_release_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_watches')),
        sa.UniqueConstraint('release_id', 'visit', 'key', name=op.f('uq_watches_release_id_visit_key')),
    )
    op.create_index(op.f('ix_watches_sampled_at'), 'watches', ['sampled_at'])
    op.create_table(
        'samples',
        sa.Column('watch_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('at', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('value', sa.Float(), nullable=True),
        sa.Column('outcome', sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(['watch_id'], ['watches.id'], name=op.f('fk_samples_watch_id')),
        sa.PrimaryKeyConstraint('watch_id', 'at', name=op.f('pk_samples')),
        sqlite_with_rowid=False,
    )
