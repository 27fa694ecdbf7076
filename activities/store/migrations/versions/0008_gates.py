"""Gates: approvals, freezes and stops"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    """Move the schema one step forward."""
    with op.batch_alter_table('releases', schema=None) as batch_op:
        batch_op.add_column(sa.Column('held', sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        'approvals',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('release_id', sa.String(length=36), nullable=False),
        sa.Column('visit', sa.Integer(), nullable=False),
        sa.Column('owner_id', sa.String(length=36), nullable=False),
        sa.Column('binds', sa.String(length=32), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('reason', sa.String(length=500), nullable=True),
        sa.Column('lapsed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_approvals_owner_id')),
        sa.ForeignKeyConstraint(['release_id'], ['releases.id'], name=op.f('fk_approvals_release_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_approvals')),
    )
    op.create_index('ix_approvals_release_visit', 'approvals', ['release_id', 'visit'])
    op.create_table(
        'freezes',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=36), nullable=False),
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('reason', sa.String(length=2000), nullable=False),
        sa.Column('environments', sa.JSON(), nullable=False),
        sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('made_by', sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_freezes_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_freezes')),
    )
    op.create_index('ix_freezes_project_ends_at', 'freezes', ['project_id', 'ends_at'])
    op.create_table(
        'stops',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('project_id', sa.String(length=36), nullable=False),
        sa.Column('reason', sa.String(length=500), nullable=False),
        sa.Column('environment', sa.String(length=64), nullable=True),
        sa.Column('pipeline', sa.String(length=64), nullable=True),
        sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('placed_by', sa.String(length=36), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lifted_by', sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(['placed_by'], ['owners.id'], name=op.f('fk_stops_placed_by')),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_stops_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stops')),
    )
    op.create_index('ix_stops_project_lifted_at', 'stops', ['project_id', 'lifted_at'])
