"""Many participants at once, written by bulk inserts: what reminders need, and no more."""

from datetime import date, timedelta

from sqlalchemy import insert, select

from qol_app.db.tables import Assessment, Contact, Participant, ParticipantEvent, Site
from qol_app.runtime import Runtime
from qol_app.services.context import Actor
from qol_app.services.library import newest

ACTOR = Actor.system("tests")
AT_ONCE = 5_000


def crowd(
    runtime: Runtime, n: int, *, prefix: str = "C", assessments: int = 1, due: int = -1
) -> None:
    """Add n participants who consented today, each with assessments that open today.

    Parameters
    ----------
    assessments : int
        How many each has: the first opens today, the others lie a quarter apart after it.
    due : int, optional
        How many of the first ones the worker is to look at now; by default all. The others
        are looked at in ten years.
    """
    with runtime.writing(ACTOR) as ctx:
        protocol = newest(ctx.session, "protocol", "breclim-2")
        site = ctx.session.scalars(select(Site).order_by(Site.id)).first()
        assert site is not None
        today = ctx.today(site.timezone)
        first = (
            ctx.session.scalar(select(Participant.id).order_by(Participant.id.desc())) or 0
        ) + 1
        for start in range(0, n, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, n))
            ids = [first + number for number in numbers]
            refs = [f"{prefix}-ref-{id_}" for id_ in ids]
            ctx.session.execute(
                insert(Participant),
                [
                    {
                        "id": id_,
                        "public_id": f"{prefix}-public-{id_}",
                        "study_number": f"{prefix}-{id_}",
                        "site_id": site.id,
                        "protocol_id": protocol.id,
                        "language": "sv",
                        "timezone": site.timezone,
                        "identity_ref": ref,
                        "enrolled_at": ctx.now,
                    }
                    for id_, ref in zip(ids, refs, strict=True)
                ],
            )
            ctx.session.execute(
                insert(Contact),
                [
                    {
                        "identity_ref": ref,
                        "email": ctx.vault.seal(f"{ref}@example.org", "contact", "email", ref),
                    }
                    for ref in refs
                ],
            )
            ctx.session.execute(
                insert(ParticipantEvent),
                [
                    {
                        "participant_id": id_,
                        "kind": "consent",
                        "happened_on": today,
                        "details": {},
                        "retracted": False,
                        "reason": "",
                        "recorded_at": ctx.now,
                    }
                    for id_ in ids
                ],
            )
            ctx.session.execute(
                insert(Assessment),
                [
                    _assessment(ctx.now, protocol.id, id_, k, today, number, due)
                    for number, id_ in zip(numbers, ids, strict=True)
                    for k in range(assessments)
                ],
            )


def _assessment(
    now: object, protocol_id: int, participant_id: int, k: int, today: date, number: int, due: int
) -> dict[str, object]:
    opens = today + timedelta(days=91 * k)
    wanted = k == 0 and (due < 0 or number < due)
    return {
        "public_id": f"a-{participant_id}-{k}",
        "participant_id": participant_id,
        "protocol_id": protocol_id,
        "timepoint": "T0" if k == 0 else f"X{k}",
        "occurrence": 1,
        "package": "full",
        "instruments": ["qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l"],
        "anchor_on": today,
        "opens_on": opens,
        "target_on": opens + timedelta(days=28),
        "closes_on": opens + timedelta(days=28),
        "late_until": opens + timedelta(days=42),
        "provisional": False,
        "planned_at": now,
        "dropped_reason": "",
        "look_again_at": now if wanted else now + timedelta(days=3650),  # type: ignore[operator]
    }
