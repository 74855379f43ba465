"""The tables of the operational store. A migration (``migrations/``) makes each of them.

Instants are epoch ms in UTC. Every record has its ``state``, and a ``version`` that counts the
entries of the audit trail about it. What is hashed is text, so that it is the same bytes in every
database.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

alerts: Final = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True, comment="alert_id of the transition to firing"),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("told", Text, nullable=False, comment="newest word of the log"),
    Column("told_id", Text, nullable=False, comment="alert_id of that transition"),
    Column("told_at_ms", BigInteger, nullable=False, comment="event time of it"),
    Column("fired_at_ms", BigInteger, nullable=False, comment="event time of the firing"),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("scope", Text, nullable=False, comment="queue, programme, site or client"),
    Column("client", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("programme", Text, nullable=False, comment="empty: none"),
    Column("queue", Text, nullable=False, comment="empty: several judged as one"),
    Column("subject", Text, nullable=False, comment="of it one alert of a rule fires, JSON"),
    Column("fired_record", Text, nullable=False, comment="record of kpi.alerts, JSON"),
    Column("ended_record", Text, comment="the same of the end"),
    Column("acknowledged_by", Text),
    Column("acknowledged_at_ms", BigInteger),
    Column("owner", Text),
    Column("outcome", Text),
    Column("closed_by", Text),
    Column("closed_at_ms", BigInteger),
)
Index("ix_alerts_fired", alerts.c.fired_at_ms, alerts.c.id)
Index("ix_alerts_ended", alerts.c.told_id)
Index(
    "uq_alerts_firing",
    alerts.c.subject,
    unique=True,
    postgresql_where=text("told = 'firing'"),
    sqlite_where=text("told = 'firing'"),
)

cases: Final = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True, comment="hash of client, customer and business day"),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("client", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("customer_ref", Text, nullable=False, comment="keyed hash, never a number"),
    Column("contact_id", Text, nullable=False, comment="the last contact of the day"),
    Column("business_on", Text, nullable=False, comment="YYYY-MM-DD, by the queue's zone"),
    Column("risk_milli", Integer, nullable=False, comment="log-odds, thousandths"),
    Column("reason", Text, nullable=False),
    Column("opened_at_ms", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("owner", Text),
    Column("outcome", Text),
    Column("closed_by", Text),
    Column("closed_at_ms", BigInteger),
)
Index("ix_cases_due", cases.c.due_at_ms, cases.c.id)
Index(
    "uq_cases_alive",
    *(cases.c.client, cases.c.customer_ref),
    unique=True,
    postgresql_where=text("state <> 'closed'"),
    sqlite_where=text("state <> 'closed'"),
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True, comment="name: the actor in the trail"),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False, comment="SHA-256, hex"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
)
Index("uq_tokens_secret_hash", tokens.c.secret_hash, unique=True)

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3 ..."),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False, comment="who"),
    Column("via", Text, nullable=False, comment="cli, api or log"),
    Column("key", Text, nullable=False, comment="idempotency key of the command"),
    Column("kind", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="of the record, after"),
    Column("action", Text, nullable=False, comment="what"),
    Column("given", Text, nullable=False, comment="what was said with it, JSON"),
    Column("changes", Text, nullable=False, comment="column to [from, to], JSON"),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, comment="SHA-256 of all the columns before, hex"),
    UniqueConstraint("actor", "via", "key"),
    UniqueConstraint("kind", "record_id", "version"),
)

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="End of the trail; who writes holds the lock of its row",
)

log_offsets: Final = Table(
    "log_offsets",
    metadata,
    Column("topic", Text, primary_key=True, comment="the broker's name"),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("topic_id", Text, nullable=False),
    Column("first_offset", BigInteger, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("fired", BigInteger, nullable=False, comment="alerts opened"),
    Column("resolved", BigInteger, nullable=False, comment="alerts ended"),
    Column("repeated", BigInteger, nullable=False, comment="said before, or out of date"),
    Column("unmatched", BigInteger, nullable=False, comment="ends of alerts not known here"),
    Column("rejected", BigInteger, nullable=False, comment="no record of kpi.alerts"),
    Column("absent", BigInteger, nullable=False, comment="offsets without a record"),
    comment="How far kpi.alerts has been read; the counts add up to next_offset - first_offset",
)
