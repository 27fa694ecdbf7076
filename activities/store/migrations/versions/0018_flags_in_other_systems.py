"""Flags that are kept in other systems"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.add_column('projects', sa.Column('provider', sa.String(length=16), server_default='builtin', nullable=False))
    op.create_table(
        'connections',
        sa.Column('project_id', sa.String(length=36), nullable=False),
        sa.Column('kind', sa.String(length=16), nullable=False),
        sa.Column('address', sa.String(length=500), nullable=False),
        sa.Column('project', sa.String(length=200), nullable=False),
        sa.Column('environments', sa.JSON(), nullable=False),
        sa.Column('calls', sa.Integer(), nullable=False),
        sa.Column('credential', sa.Text(), nullable=True),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('listed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('listings', sa.Integer(), server_default='0', nullable=False),
        sa.Column('outage', sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_connections_project_id')),
        sa.PrimaryKeyConstraint('project_id', name=op.f('pk_connections')),
    )
    op.create_table(
        'system_names',
        sa.Column('project_id', sa.String(length=36), nullable=False),
        sa.Column('noun', sa.String(length=16), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('name', sa.String(length=300), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=False),
        sa.Column('foreign_parts', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('readings', sa.Integer(), server_default='0', nullable=False),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_system_names_project_id')),
        sa.PrimaryKeyConstraint('project_id', 'noun', 'key', name=op.f('pk_system_names')),
        sa.UniqueConstraint('project_id', 'noun', 'name', name=op.f('uq_system_names_project_id_noun_name')),
    )
    op.create_table(
        'intents',
        sa.Column('key', sa.String(length=128), nullable=False),
        sa.Column('release_id', sa.String(length=36), nullable=False),
        sa.Column('change', sa.JSON(), nullable=False),
        sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['release_id'], ['releases.id'], name=op.f('fk_intents_release_id')),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_intents')),
    )
    op.create_index(op.f('ix_intents_opened_at'), 'intents', ['opened_at'])
    op.create_index(op.f('ix_intents_release_id'), 'intents', ['release_id'])
