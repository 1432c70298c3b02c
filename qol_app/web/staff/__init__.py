"""Pages for staff: the list of the morning, participants, compliance, trail, colleagues."""

from qol_app.web.staff import (
    account,
    amendments,
    audit,
    colleagues,
    compliance,
    enrolment,
    events,
    follow_up,
    home,
    identity,
    ledger,
    participants,
    wishes,
)
from qol_app.web.staff.blueprint import bp

__all__ = [
    "account",
    "amendments",
    "audit",
    "bp",
    "colleagues",
    "compliance",
    "enrolment",
    "events",
    "follow_up",
    "home",
    "identity",
    "ledger",
    "participants",
    "wishes",
]
