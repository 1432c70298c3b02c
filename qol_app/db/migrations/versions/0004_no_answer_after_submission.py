"""The database itself refuses an answer behind a submission."""

from alembic import op

from qol_app.db.after_submission import STATEMENTS, TRIGGER

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER {TRIGGER}")
    else:
        op.execute(f"DROP TRIGGER {TRIGGER} ON response")
        op.execute("DROP FUNCTION qol_not_after_submission()")
