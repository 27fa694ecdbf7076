"""Sign-in by OpenID Connect"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.create_table(
        'accounts',
        sa.Column('issuer', sa.String(length=500), nullable=False),
        sa.Column('subject', sa.String(length=255), nullable=False),
        sa.Column('owner_id', sa.String(length=36), nullable=False),
        sa.Column('api_key_id', sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_accounts_owner_id')),
        sa.ForeignKeyConstraint(['api_key_id'], ['api_keys.id'], name=op.f('fk_accounts_api_key_id')),
        sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_accounts')),
        sa.UniqueConstraint('owner_id', name=op.f('uq_accounts_owner_id')),
        sa.UniqueConstraint('api_key_id', name=op.f('uq_accounts_api_key_id')),
    )
    op.create_table(
        'sign_ins',
        sa.Column('state_hash', sa.String(length=64), nullable=False),
        sa.Column('nonce', sa.String(length=64), nullable=False),
        sa.Column('verifier', sa.String(length=128), nullable=False),
        sa.Column('return_to', sa.String(length=2000), nullable=False),
        sa.Column('connecting', sa.String(length=64), nullable=True),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('state_hash', name=op.f('pk_sign_ins')),
    )
    op.create_index(op.f('ix_sign_ins_expires_at'), 'sign_ins', ['expires_at'])
