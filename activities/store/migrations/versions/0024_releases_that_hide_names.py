"""Releases that hide all names from Temporal"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'


def upgrade() -> None:
    """Move the schema one step forward."""
    op.add_column('releases', sa.Column('hides_names', sa.Boolean(), server_default=sa.false(), nullable=False))
