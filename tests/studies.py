"""Small studies for tests of what is read out of the database: enrolled, then answered.

Answers are written as rows, so that a test says exactly which event came when, also ones
that the pages would never send in that order.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select

from qol_app.db.tables import (
    Assessment,
    Form,
    MissingReason,
    Participant,
    Response,
    Submission,
)
from qol_app.services import enrolment, events
from qol_app.services.context import Context
from qol_app.services.identity import Identity
from qol_app.services.library import newest

Given = Mapping[str, Mapping[str, int | str]]
# The complete example of the scoring keys: every score below follows from it by hand.
C30 = dict(
    zip(
        [f"q{n}" for n in range(1, 31)],
        [2, 2, 1, 1, 1, 2, 2, 1, 2, 3, 2, 2, 1, 1, 1, 2, 1, 3, 2, 1, 2, 2, 1, 2, 1, 2, 2, 1, 5, 5],
        strict=True,
    )
)
# PF 2,2,1,1,1: raw 1.4, 100 - 0.4/3*100; FA 3,2,3: raw 8/3, 5/3/3*100; QL 5,5: 4/6*100.
C30_SCORES = {"PF": 86.66666667, "FA": 55.55555556, "QL": 66.66666667, "RF": 66.66666667, "NV": 0.0}
# 2,1,1,3,2 with the Swedish 2020 decrements: 0.9755 - 0.0287 - 0.0428 - 0.0325.
EQ5D = {"MO": 2, "SC": 1, "UA": 1, "PD": 3, "AD": 2, "VAS": 70}
EQ5D_SE_2020 = 0.8715


def enrolled(
    ctx: Context,
    number: str,
    site: str = "UME",
    arm: str | None = "A",
    randomised_on: date = date(2026, 3, 2),
) -> Participant:
    """Return a participant, randomised unless ``arm`` is None."""
    participant = enrolment.enrol(
        ctx,
        "breclim-2",
        number,
        site,
        "sv",
        Identity(name="Hemlig Person", phone="070-174 06 05", email="hemlig@example.org"),
        consent_on=randomised_on - timedelta(days=10),
    )
    if arm:
        events.record(
            ctx, participant, "randomisation", randomised_on, {"arm": arm}, confirmed=True
        )
    return participant


def assessment(ctx: Context, participant: Participant, timepoint: str) -> Assessment:
    """Return one of a participant's assessments by its timepoint."""
    query = select(Assessment).where(
        Assessment.participant_id == participant.id, Assessment.timepoint == timepoint
    )
    return ctx.session.scalars(query).one()


def answered(
    ctx: Context,
    participant: Participant,
    timepoint: str,
    given: Given,
    on: date | None = None,
    *,
    submit: bool = True,
    mode: str = "self",
) -> Assessment:
    """Write forms, responses and a submission; a word in place of a code is a status."""
    row = assessment(ctx, participant, timepoint)
    at = datetime.combine(on or row.target_on, time(10), tzinfo=UTC)
    row.started_at = at
    for position, (instrument, items) in enumerate(given.items(), start=1):
        form = Form(
            assessment_id=row.id,
            instrument=instrument,
            position=position,
            instrument_id=newest(ctx.session, "instrument", instrument).id,
            wording_id=newest(ctx.session, "wording", instrument, participant.language).id,
            language=participant.language,
            started_at=at,
        )
        ctx.session.add(form)
        ctx.session.flush()
        for number, (item, value) in enumerate(items.items(), start=1):
            respond(ctx, form, item, value, counter=number, at=at, mode=mode)
    if submit:
        receipt = f"receipt-{row.id}"
        ctx.session.add(Submission(assessment_id=row.id, receipt=receipt, submitted_at=at))
    ctx.session.flush()
    return row


def respond(
    ctx: Context,
    form: Form,
    item: str,
    value: int | str,
    *,
    counter: int,
    at: datetime,
    mode: str = "self",
    event_id: str | None = None,
) -> None:
    """Write one answer event."""
    ctx.session.add(
        Response(
            event_id=event_id or f"{form.id}-{item}-{counter}",
            form_id=form.id,
            item=item,
            status=value if isinstance(value, str) else "ANSWERED",
            value=None if isinstance(value, str) else value,
            counter=counter,
            mode=mode,
            device="phone",
            client_at=at,
            recorded_at=at + timedelta(seconds=counter),
        )
    )


def forms_of(ctx: Context, row: Assessment) -> dict[str, Form]:
    """Return the forms of an assessment by instrument."""
    query = select(Form).where(Form.assessment_id == row.id)
    return {form.instrument: form for form in ctx.session.scalars(query)}


def explained(ctx: Context, row: Assessment, reason: str) -> None:
    """Write why an assessment is empty."""
    ctx.session.add(MissingReason(assessment_id=row.id, reason=reason, recorded_at=ctx.now))
    ctx.session.flush()
