"""Alerts, complaint cases, the audit trail, and how far the log of alerts has been read."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_POSTGRESQL: Final = (
    """
    create function audit_is_append_only() returns trigger language plpgsql as $$
    begin raise exception 'audit is append-only'; end $$
    """,
    """
    create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only()
    """,
)
_SQLITE: Final = (
    """
    create trigger audit_is_not_changed before update on audit
    begin select raise(abort, 'audit is append-only'); end
    """,
    """
    create trigger audit_is_not_deleted before delete on audit
    begin select raise(abort, 'audit is append-only'); end
    """,
)


def upgrade() -> None:
    """Make the tables."""
    _alerts()
    _cases()
    _audit()
    _log_offsets()


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, comment=comment)


def _whole(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, comment=comment)


def _alerts() -> None:
    op.create_table(
        "alerts",
        _text("id", comment="alert_id of the transition to firing"),
        _text("state"),
        sa.Column("version", sa.Integer, nullable=False),
        _text("told", comment="newest word of the log"),
        _text("told_id", comment="alert_id of that transition"),
        _whole("told_at_ms", comment="event time of it"),
        _whole("fired_at_ms", comment="event time of the firing"),
        *map(_text, ("rule", "severity")),
        _text("scope", comment="queue, programme, site or client"),
        *map(_text, ("client", "site")),
        _text("programme", comment="empty: none"),
        _text("queue", comment="empty: several judged as one"),
        _text("subject", comment="of it one alert of a rule fires, JSON"),
        _text("fired_record", comment="record of kpi.alerts, JSON"),
        _text("ended_record", nullable=True, comment="the same of the end"),
        _text("acknowledged_by", nullable=True),
        _whole("acknowledged_at_ms", nullable=True),
        *(_text(name, nullable=True) for name in ("owner", "outcome", "closed_by")),
        _whole("closed_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_fired", "alerts", ["fired_at_ms", "id"])
    op.create_index("ix_alerts_ended", "alerts", ["told_id"])
    _unique_while("uq_alerts_firing", "alerts", ["subject"], "told = 'firing'")


def _cases() -> None:
    op.create_table(
        "cases",
        _text("id", comment="hash of client, customer and business day"),
        _text("state"),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_text, ("client", "site", "queue")),
        _text("customer_ref", comment="keyed hash, never a number"),
        _text("contact_id", comment="the last contact of the day"),
        _text("business_on", comment="YYYY-MM-DD, by the queue's zone"),
        sa.Column("risk_milli", sa.Integer, nullable=False, comment="log-odds, thousandths"),
        _text("reason"),
        *map(_whole, ("opened_at_ms", "due_at_ms")),
        *(_text(name, nullable=True) for name in ("owner", "outcome", "closed_by")),
        _whole("closed_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_due", "cases", ["due_at_ms", "id"])
    _unique_while("uq_cases_alive", "cases", ["client", "customer_ref"], "state <> 'closed'")


def _unique_while(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, postgresql_where=where, sqlite_where=where)


def _audit() -> None:
    op.create_table(
        "audit",
        _whole("seq", comment="1, 2, 3 ..."),
        _whole("at_ms"),
        _text("actor", comment="who"),
        _text("via", comment="cli, api or log"),
        _text("key", comment="idempotency key of the command"),
        *map(_text, ("kind", "record_id")),
        sa.Column("version", sa.Integer, nullable=False, comment="of the record, after"),
        _text("action", comment="what"),
        _text("given", comment="what was said with it, JSON"),
        _text("changes", comment="column to [from, to], JSON"),
        _text("previous_hash"),
        _text("hash", comment="SHA-256 of all the columns before, hex"),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        sa.UniqueConstraint("actor", "via", "key", name="uq_audit_actor_via_key"),
        sa.UniqueConstraint("kind", "record_id", "version", name="uq_audit_kind_record_id_version"),
    )
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        _whole("seq"),
        _text("hash"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        comment="End of the trail; who writes holds the lock of its row",
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def _log_offsets() -> None:
    op.create_table(
        "log_offsets",
        _text("topic", comment="the broker's name"),
        sa.Column("partition", sa.Integer, autoincrement=False, nullable=False),
        _text("topic_id"),
        *map(_whole, ("first_offset", "next_offset")),
        _whole("fired", comment="alerts opened"),
        _whole("resolved", comment="alerts ended"),
        _whole("repeated", comment="said before, or out of date"),
        _whole("unmatched", comment="ends of alerts not known here"),
        _whole("rejected", comment="no record of kpi.alerts"),
        _whole("absent", comment="offsets without a record"),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_log_offsets"),
        comment="How far kpi.alerts has been read; the counts add up to next_offset - first_offset",
    )
