"""Flags are served to applications"""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'


def upgrade() -> None:
    """Move the schema one step forward."""
    numbers = op.create_table(
        'numbers',
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_numbers')),
        sa.UniqueConstraint('id', name=op.f('uq_numbers_id')),
    )
    serving = op.create_table(
        'serving',
        sa.Column('environment_id', sa.String(length=36), nullable=False),
        sa.Column('client_key', sa.String(length=64), nullable=False),
        sa.Column('server_key', sa.String(length=64), nullable=False),
        sa.Column('version', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['environment_id'], ['environments.id'], name=op.f('fk_serving_environment_id')),
        sa.PrimaryKeyConstraint('environment_id', name=op.f('pk_serving')),
        sa.UniqueConstraint('client_key', name=op.f('uq_serving_client_key')),
        sa.UniqueConstraint('server_key', name=op.f('uq_serving_server_key')),
    )
    op.create_table(
        'identities',
        sa.Column('environment_id', sa.String(length=36), nullable=False),
        sa.Column('identifier', sa.String(length=300), nullable=False),
        sa.Column('traits', sa.JSON(), nullable=False),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['environment_id'], ['environments.id'], name=op.f('fk_identities_environment_id')),
        sa.PrimaryKeyConstraint('environment_id', 'identifier', name=op.f('pk_identities')),
    )
    connection = op.get_bind()
    for table in ('projects', 'environments', 'segments', 'features'):
        for id_ in connection.execute(sa.text(f'SELECT id FROM {table} ORDER BY id')).scalars().all():
            connection.execute(sa.insert(numbers).values(id=id_))
    version = int(datetime.now(UTC).timestamp() * 1_000_000)
    for id_ in connection.execute(sa.text('SELECT id FROM environments ORDER BY id')).scalars().all():
        keys = {'client_key': secrets.token_urlsafe(16), 'server_key': f'ser.{secrets.token_urlsafe(24)}'}
        connection.execute(sa.insert(serving).values(environment_id=id_, version=version, **keys))
