"""Secrets that were rotated"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'spent_secrets',
        sa.Column('secret_hash', sa.String(length=64), nullable=False),
        sa.Column('api_key_id', sa.String(length=36), nullable=False),
        sa.Column('spent_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['api_key_id'], ['api_keys.id'], name=op.f('fk_spent_secrets_api_key_id')),
        sa.PrimaryKeyConstraint('secret_hash', name=op.f('pk_spent_secrets')),
    )
