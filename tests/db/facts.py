"""One row in every append-only table, as the services would leave them."""

from datetime import date

from qol_app.db.tables import (
    Assessment,
    Definition,
    Form,
    MissingReason,
    Response,
    Submission,
)
from qol_app.services import audit, enrolment, events
from qol_app.services.context import Context
from qol_app.services.identity import Identity
from qol_app.services.library import newest

PERSON = Identity(name="Test Testsson", phone="070-174 06 05", email="a@example.org")


def fill_every_table(ctx: Context) -> None:
    """Enrol one participant, answer one item, submit, explain, and seal the trail."""
    participant = enrolment.enrol(
        ctx, "breclim-2", "UME-001", "UME", "sv", PERSON, consent_on=date(2026, 11, 20)
    )
    events.record(ctx, participant, "randomisation", date(2026, 11, 23), {"arm": "A"})
    assessment = ctx.session.query(Assessment).order_by(Assessment.target_on).first()
    instrument: Definition = newest(ctx.session, "instrument", "qlq-c30")
    wording: Definition = newest(ctx.session, "wording", "qlq-c30", "sv")
    form = Form(
        assessment_id=assessment.id,
        instrument="qlq-c30",
        position=1,
        instrument_id=instrument.id,
        wording_id=wording.id,
        language="sv",
        started_at=ctx.now,
    )
    ctx.session.add(form)
    ctx.session.flush()
    ctx.session.add_all(
        [
            Response(
                event_id="e-1",
                form_id=form.id,
                item="q1",
                status="ANSWERED",
                value=2,
                counter=1,
                recorded_at=ctx.now,
            ),
            Submission(assessment_id=assessment.id, receipt="r-1", submitted_at=ctx.now),
            MissingReason(assessment_id=assessment.id, reason="too_ill", recorded_at=ctx.now),
        ]
    )
    ctx.session.flush()
    audit.seal(ctx.session)
