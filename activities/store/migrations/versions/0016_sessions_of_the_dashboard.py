"""Sessions of the dashboard"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0010'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'sessions',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('api_key_id', sa.String(length=36), nullable=False),
        sa.Column('secret_hash', sa.String(length=64), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['api_key_id'], ['api_keys.id'], name=op.f('fk_sessions_api_key_id')),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_sessions')),
    )
    op.create_index(op.f('ix_sessions_expires_at'), 'sessions', ['expires_at'])
