"""Variants of features, and the salts that place identities among them"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.add_column('features', sa.Column('variants', sa.JSON(), server_default='[]', nullable=False))
    op.add_column('features', sa.Column('salt', sa.Integer(), server_default='0', nullable=False))
    features = sa.table('features', sa.column('id', sa.String()), sa.column('salt', sa.Integer()))
    connection = op.get_bind()
    for id_ in connection.execute(sa.select(features.c.id)).scalars().all():
        connection.execute(features.update().where(features.c.id == id_).values(salt=1 + secrets.randbelow(2**31 - 1)))
