"""Metrics and their sources"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'metric_sources',
        sa.Column('project_id', sa.String(length=36), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('address', sa.String(length=500), nullable=False),
        sa.Column('username', sa.String(length=200), nullable=True),
        sa.Column('calls', sa.Integer(), nullable=False),
        sa.Column('credential', sa.Text(), nullable=True),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_metric_sources_project_id')),
        sa.PrimaryKeyConstraint('project_id', 'key', name=op.f('pk_metric_sources')),
    )
    op.create_table(
        'metrics',
        sa.Column('project_id', sa.String(length=36), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('source', sa.String(length=64), nullable=False),
        sa.Column('definition', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_metrics_project_id')),
        sa.ForeignKeyConstraint(['project_id', 'source'], ['metric_sources.project_id', 'metric_sources.key'], name='fk_metrics_source'),
        sa.PrimaryKeyConstraint('project_id', 'key', name=op.f('pk_metrics')),
    )
    op.create_index('ix_metrics_source', 'metrics', ['project_id', 'source'])
