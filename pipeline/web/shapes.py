"""What the API takes and gives, as OpenAPI says it. Instants are epoch ms in UTC."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.desk.alert import AlertOutcome, AlertState
from pipeline.desk.case import CaseOutcome, CaseState
from pipeline.desk.transition import MOST_MS, MOST_TEXT


class Entry(BaseModel):
    """One entry of the audit trail."""

    seq: int
    at_ms: int
    actor: str = Field(description="Who.")
    via: str = Field(description="cli, api or log.")
    action: str
    version: int = Field(description="Of the record, after.")
    comment: str | None
    changes: dict[str, list[Any]] = Field(description="By column: from, to.")


class Record(BaseModel):
    """What every record has."""

    id: str
    version: int = Field(description="Counts the entries about it; also in ETag.")
    client: str
    site: str = Field(description="Empty where there is one only, or all are judged as one.")
    queue: str = Field(description="Empty where several are judged as one.")
    owner: str | None
    closed_by: str | None
    closed_at_ms: int | None
    allowed: list[str] = Field(description="The moves that are possible now.")


class Alert(Record):
    """A firing of a rule for a queue, and what people did about it."""

    state: AlertState
    told: str = Field(description="Newest word of the log: firing, resolved or superseded.")
    told_id: str
    told_at_ms: int
    fired_at_ms: int
    rule: str
    severity: str
    scope: str = Field(description="What is judged as one: queue, programme, site or client.")
    programme: str = Field(description="Empty: none.")
    acknowledged_by: str | None
    acknowledged_at_ms: int | None
    outcome: AlertOutcome | None
    summary: str = Field(description="The firing in a sentence.")


class WholeAlert(Alert):
    """An alert with the log's records and its history."""

    fired_record: dict[str, Any] = Field(description="Record of kpi.alerts.")
    ended_record: dict[str, Any] | None
    history: list[Entry]


class Alerts(BaseModel):
    """A page of alerts, newest first."""

    records: list[Alert]
    next: str | None = Field(description="`cursor` of the next page; null: there is none.")


class Case(Record):
    """A customer who is likely to complain, and what was done about it."""

    state: CaseState
    customer_ref: str = Field(description="Keyed hash of the customer.")
    contact_id: str = Field(description="The last contact of the day.")
    business_on: str = Field(description="YYYY-MM-DD.")
    risk_milli: int = Field(description="Log-odds, thousandths.")
    reason: str
    opened_at_ms: int
    due_at_ms: int
    outcome: CaseOutcome | None


class WholeCase(Case):
    """A case with its history."""

    history: list[Entry]


class Cases(BaseModel):
    """A page of cases, the next one due first."""

    records: list[Case]
    next: str | None = Field(description="`cursor` of the next page; null: there is none.")


class Said(BaseModel):
    """What may be said with every move."""

    model_config = ConfigDict(extra="forbid")

    comment: str | None = Field(default=None, min_length=1, max_length=MOST_TEXT)


class Remark(Said):
    """A comment."""

    comment: str = Field(min_length=1, max_length=MOST_TEXT)


class Assignment(Said):
    """To whom."""

    owner: str = Field(min_length=1, max_length=MOST_TEXT)


class Postponement(Remark):
    """Until when, and why."""

    due_at_ms: int = Field(ge=0, lt=MOST_MS)


class AlertClosing(Said):
    """What an alert turned out to be."""

    outcome: AlertOutcome


class CaseClosing(Said):
    """What a case came to."""

    outcome: CaseOutcome
