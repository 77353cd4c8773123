"""The audit log, which the database itself keeps from being changed."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0004"
down_revision: str | None = "0003"

INDEXES = (
    ("at", "sequence"),
    ("actor_id", "at", "sequence"),
    ("actor_id", "action", "at", "sequence"),
    ("actor_name", "sequence"),
    ("action", "at", "sequence"),
    ("target", "at", "sequence"),
)
# INSERT OR REPLACE removes the row before it without a DELETE that a trigger would see.
SQLITE = (
    "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events "
    "BEGIN SELECT RAISE(ABORT, 'audit_events is append only'); END",
    "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
    "BEGIN SELECT RAISE(ABORT, 'audit_events is append only'); END",
    "CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events "
    "WHEN EXISTS (SELECT 1 FROM audit_events WHERE sequence = NEW.sequence) "
    "BEGIN SELECT RAISE(ABORT, 'audit_events is append only'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit_events is append only' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events "
    "FOR EACH ROW EXECUTE FUNCTION audit_events_refuse()",
    "CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()",
)
MARIADB = (
    "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events "
    "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_events is append only'",
    "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
    "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_events is append only'",
)
TRIGGERS = {"sqlite": SQLITE, "postgresql": POSTGRESQL, "mysql": MARIADB, "mariadb": MARIADB}


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_kind", identifier(32), nullable=False),
        sa.Column("actor_id", identifier(128), nullable=False),
        sa.Column("actor_name", identifier(128), nullable=False),
        sa.Column("action", identifier(64), nullable=False),
        sa.Column("outcome", identifier(16), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("target", identifier(255)),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous_hash", identifier(64), nullable=False),
        sa.Column("hash", identifier(64), nullable=False),
    )
    for columns in INDEXES:
        op.create_index(f"ix_audit_events_{'_'.join(columns)}", "audit_events", list(columns))
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_events_refuse()")
