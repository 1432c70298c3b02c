"""Which link a message carried, and what a site was told each day."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Said plainly, because SQLite takes a foreign key only together with its column.
    op.execute(
        "ALTER TABLE delivery ADD COLUMN access_link_id INTEGER "
        "CONSTRAINT fk_delivery_access_link_id_access_link REFERENCES access_link (id)"
    )
    op.create_index("ix_delivery_status", "delivery", ["status"])
    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_digest_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("site_id", "day", name=op.f("uq_digest_site_id_day")),
    )


def downgrade() -> None:
    op.drop_table("digest")
    op.drop_index("ix_delivery_status", "delivery")
    op.execute("ALTER TABLE delivery DROP COLUMN access_link_id")
