"""The database itself refuses to change or delete a definition that rows refer to."""

from alembic import op

from qol_app.db.append_only import statements
from qol_app.errors import QolError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements(op.get_bind().dialect.name, "definition"):
        op.execute(statement)


def downgrade() -> None:
    raise QolError("what was asked stays as it was; restore a backup instead")
