"""The facts of a study, one class per table.

Nothing derived is kept here: an assessment's state, a score or a completion rate is
computed from these rows. The one exception is ``Assessment.look_again_at``, an index
for the worker, which any sweep may recompute.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from qol_app.db.base import Base

RESPONSE_STATUSES = ("ANSWERED", "SKIPPED", "NOT_APPLICABLE")

# The database itself refuses to change or delete rows of these (see the migrations).
APPEND_ONLY = (
    "audit_event",
    "audit_seal",
    "response",
    "participant_event",
    "submission",
    "missing_reason",
    "definition",
)


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Return the SQL of a check that a column holds one of the given words."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


# --- definitions ---------------------------------------------------------------------


class Definition(Base):
    """One frozen version of a protocol, an instrument or a wording, whole."""

    __tablename__ = "definition"
    __table_args__ = (
        UniqueConstraint("kind", "code", "language", "sha256"),
        CheckConstraint(one_of("kind", ("protocol", "instrument", "wording")), "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    code: Mapped[str]
    language: Mapped[str] = mapped_column(default="")
    version: Mapped[str]
    sha256: Mapped[str]
    body: Mapped[dict[str, Any]]
    stand_in: Mapped[bool] = mapped_column(default=False)
    licence_reference: Mapped[str] = mapped_column(default="")
    certificate: Mapped[str] = mapped_column(default="")
    loaded_at: Mapped[datetime]


# --- people --------------------------------------------------------------------------


class Site(Base):
    """A hospital that enrols participants."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str]
    timezone: Mapped[str]


class Staff(Base):
    """Someone who signs in to work."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    language: Mapped[str] = mapped_column(default="sv")
    password_hash: Mapped[str]
    totp_secret: Mapped[str]  # encrypted
    totp_last_step: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class StaffSite(Base):
    """The right of a staff member to work with one site."""

    __tablename__ = "staff_site"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)


class Participant(Base):
    """The person who answers, known here only by study number and a random reference."""

    __tablename__ = "participant"
    __table_args__ = (CheckConstraint("contact_hour BETWEEN 0 AND 23", "contact_hour"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    study_number: Mapped[str] = mapped_column(unique=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    protocol_id: Mapped[int] = mapped_column(ForeignKey("definition.id"), index=True)
    language: Mapped[str]
    timezone: Mapped[str]
    identity_ref: Mapped[str] = mapped_column(unique=True)
    enrolled_at: Mapped[datetime]
    enrolled_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    # How this person wishes to be contacted; empty means as the protocol says.
    preferred_channel: Mapped[str | None]
    contact_hour: Mapped[int | None]
    paused_until: Mapped[date | None]
    messages_stopped_at: Mapped[datetime | None]


class Contact(Base):
    """Who a participant is: encrypted, and apart from everything clinical.

    No foreign key leads here: the clinical side holds only the random ``identity_ref``.
    """

    __tablename__ = "contact"

    identity_ref: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    push: Mapped[str | None] = mapped_column(Text)


# --- access --------------------------------------------------------------------------


class AccessLink(Base):
    """A participant's way in: the token itself is never stored, only its hash."""

    __tablename__ = "access_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AccessPin(Base):
    """The second factor that goes with every link of one participant."""

    __tablename__ = "access_pin"

    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"), primary_key=True)
    pin_hash: Mapped[str]
    set_at: Mapped[datetime]


class AttemptBudget(Base):
    """How many tries one scope (a link, a person's day, a site's hour ...) has used."""

    __tablename__ = "attempt_budget"

    scope: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class WebSession(Base):
    """A signed-in browser of a participant or of staff; ended here, ended everywhere."""

    __tablename__ = "web_session"
    __table_args__ = (
        CheckConstraint("(participant_id IS NULL) <> (staff_id IS NULL)", "one_person"),
    )

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    participant_id: Mapped[int | None] = mapped_column(ForeignKey("participant.id"), index=True)
    access_link_id: Mapped[int | None] = mapped_column(ForeignKey("access_link.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    factor_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


# --- the course of one participant -----------------------------------------------------


class ParticipantEvent(Base):
    """Something that happened on a day; corrected by a later row, never overwritten."""

    __tablename__ = "participant_event"
    __table_args__ = (Index("ix_participant_event_course", "participant_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"))
    kind: Mapped[str]
    happened_on: Mapped[date]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("participant_event.id"), unique=True)
    retracted: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(default="")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class Assessment(Base):
    """One participant's expected sitting at one timepoint, made before it is due."""

    __tablename__ = "assessment"
    __table_args__ = (
        UniqueConstraint("participant_id", "timepoint", "occurrence"),
        CheckConstraint("opens_on <= target_on AND target_on <= closes_on", "window"),
        CheckConstraint("closes_on <= late_until", "grace"),
        Index(
            "ix_assessment_look_again_at",
            "look_again_at",
            sqlite_where=text("look_again_at IS NOT NULL"),
            postgresql_where=text("look_again_at IS NOT NULL"),
        ),
        Index("ix_assessment_closes_on", "closes_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(unique=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"))
    protocol_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    timepoint: Mapped[str]
    occurrence: Mapped[int] = mapped_column(default=1)
    package: Mapped[str]
    instruments: Mapped[list[str]]
    anchor_on: Mapped[date]
    opens_on: Mapped[date]
    target_on: Mapped[date]
    closes_on: Mapped[date]
    late_until: Mapped[date]
    # Its window waits for the real anchor, as a baseline before randomisation does.
    provisional: Mapped[bool] = mapped_column(default=False)
    planned_at: Mapped[datetime]
    # The assessment that was asked instead and counts for this one too.
    counted_by_id: Mapped[int | None] = mapped_column(ForeignKey("assessment.id"))
    dropped_at: Mapped[datetime | None]
    dropped_reason: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    look_again_at: Mapped[datetime | None]


class Amendment(Base):
    """A new protocol version put in force for everybody enrolled under the one before."""

    __tablename__ = "amendment"

    id: Mapped[int] = mapped_column(primary_key=True)
    old_protocol_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    new_protocol_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    applied_at: Mapped[datetime]
    applied_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    counts: Mapped[dict[str, Any]]
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class Form(Base):
    """One instrument within an assessment, with the version and language it was begun in."""

    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("assessment_id", "instrument"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    instrument: Mapped[str]
    position: Mapped[int]
    instrument_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    wording_id: Mapped[int] = mapped_column(ForeignKey("definition.id"))
    language: Mapped[str]
    started_at: Mapped[datetime]


class Response(Base):
    """One answer event. Append-only; the highest (counter, event_id) of an item counts."""

    __tablename__ = "response"
    __table_args__ = (
        CheckConstraint(one_of("status", RESPONSE_STATUSES), "status"),
        CheckConstraint("(status = 'ANSWERED') = (value IS NOT NULL)", "value"),
        Index("ix_response_form_item", "form_id", "item", "counter"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    item: Mapped[str]
    status: Mapped[str]
    value: Mapped[int | None]
    counter: Mapped[int]
    # Who gave it: self, helped, telephone, paper ...
    mode: Mapped[str] = mapped_column(default="self")
    device: Mapped[str] = mapped_column(default="")
    shown_at: Mapped[datetime | None]
    client_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class Submission(Base):
    """An assessment handed in: one row, one receipt, for ever."""

    __tablename__ = "submission"

    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), primary_key=True)
    receipt: Mapped[str] = mapped_column(unique=True)
    submitted_at: Mapped[datetime]
    after_allocation: Mapped[bool] = mapped_column(default=False)
    late: Mapped[bool] = mapped_column(default=False)


class MissingReason(Base):
    """Why a closed assessment is empty, said by a person; the latest row counts."""

    __tablename__ = "missing_reason"

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), index=True)
    reason: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class ContactAttempt(Base):
    """A call or visit by which a coordinator tried to reach a participant."""

    __tablename__ = "contact_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"), index=True)
    assessment_id: Mapped[int | None] = mapped_column(ForeignKey("assessment.id"))
    channel: Mapped[str]
    outcome: Mapped[str]
    attempted_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


# --- messages --------------------------------------------------------------------------


class Reminder(Base):
    """The intent to contact one participant about one assessment by one step."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("participant_id", "assessment_id", "step", "channel"),
        Index("ix_reminder_status", "status", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"))
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), index=True)
    step: Mapped[str]
    channel: Mapped[str]
    due_at: Mapped[datetime]
    # claimed, sending, handed_over, delivered, failed, uncertain, skipped
    status: Mapped[str] = mapped_column(default="claimed")
    why: Mapped[str] = mapped_column(default="")
    claimed_at: Mapped[datetime]
    fence: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


class Delivery(Base):
    """One attempt at a reminder, written before the provider is called."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_status", "status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"), index=True)
    reference: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    language: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime]
    # started, accepted, delivered, opened, refused, bounced, uncertain
    status: Mapped[str] = mapped_column(default="started")
    finished_at: Mapped[datetime | None]
    provider_ref: Mapped[str | None] = mapped_column(index=True)
    detail: Mapped[str] = mapped_column(default="")
    # The link it carried: a session begun by it shows that the message was read.
    access_link_id: Mapped[int | None] = mapped_column(ForeignKey("access_link.id"))


class Digest(Base):
    """What a site was told about its open work on one day, written before it is sent."""

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("site_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    day: Mapped[date]
    # started, accepted, refused, uncertain, nothing
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(default="")


class Task(Base):
    """Something a coordinator is asked to do, such as to telephone."""

    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("participant_id", "assessment_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id"), index=True)
    assessment_id: Mapped[int | None] = mapped_column(ForeignKey("assessment.id"))
    kind: Mapped[str]
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[str] = mapped_column(default="")


class WorkerLease(Base):
    """Which worker is the active one, and until when."""

    __tablename__ = "worker_lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    fence: Mapped[int]
    expires_at: Mapped[datetime]


class WorkerTick(Base):
    """When each fixed job of the worker last finished, and what it did."""

    __tablename__ = "worker_tick"

    job: Mapped[str] = mapped_column(primary_key=True)
    ticked_at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(default="")


# --- trail -----------------------------------------------------------------------------


class AuditEvent(Base):
    """Who did what to which row, with old and new values, when and why. Append-only."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    role: Mapped[str] = mapped_column(default="")
    site: Mapped[str] = mapped_column(default="")
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[str]
    old: Mapped[dict[str, Any] | None]
    new: Mapped[dict[str, Any] | None]
    reason: Mapped[str] = mapped_column(default="")
    program_version: Mapped[str]


class AuditSeal(Base):
    """A link of the hash chain over the audit events, in the order of sealing. Append-only.

    Sealing has an order of its own: on PostgreSQL an event of a lower number may be
    committed after one of a higher number was sealed.
    """

    __tablename__ = "audit_seal"

    id: Mapped[int] = mapped_column(primary_key=True)
    audit_event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    previous: Mapped[str]
    digest: Mapped[str]
