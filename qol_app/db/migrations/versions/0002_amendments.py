"""Which protocol version followed which, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "amendment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("old_protocol_id", sa.Integer(), nullable=False),
        sa.Column("new_protocol_id", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.Integer(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_by", sa.Integer(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_amendment_{column}_{table}")
            )
            for column, table in (
                ("old_protocol_id", "definition"),
                ("new_protocol_id", "definition"),
                ("applied_by", "staff"),
                ("reversed_by", "staff"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment")),
    )


def downgrade() -> None:
    op.drop_table("amendment")
