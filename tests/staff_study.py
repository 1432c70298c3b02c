"""A small study in which every staff page has something to show, hostile words included."""

from collections.abc import Mapping
from datetime import timedelta

from qol_app.db.tables import Delivery, Participant, Reminder, Task
from qol_app.runtime import Runtime
from qol_app.services import access, events, follow_up
from qol_app.services.context import Actor
from qol_app.services.identity import Identity
from qol_app.services.staff import STAFF_ROLES
from tests.staff_factories import (
    TODAY,
    Known,
    answer,
    assessment_of,
    make_participant,
    make_staff,
    noon,
)

CANARY = "window.canary=1"
# Each tries to leave another kind of place: text, attribute, script, address, style, template.
PAYLOADS = (
    f"<script>{CANARY}</script>",
    f'"><img src=x onerror="{CANARY}">',
    f"'><svg onload={CANARY}>",
    f"javascript:{CANARY}",
    f"</textarea></select></title><script>{CANARY}</script>",
    "{{ 7 * 191 }}${7*191}",
)
HOSTILE = " ".join(PAYLOADS)


def study(runtime: Runtime, words: str = "Rang fel nummer") -> Mapping[str, Participant]:
    """Fill a study as of today; ``words`` stand wherever somebody typed free text."""
    person = Identity(words[:100], "070-174 06 05", "anna@example.org")
    with runtime.writing(Actor.system("tests")) as ctx:

        def enrol(number: str, days: int, site: str = "UME") -> Participant:
            start = TODAY - timedelta(days=days)
            return make_participant(
                ctx, number, site, consent_on=start, randomised_on=start, person=person
            )

        due = enrol("UME-001", 54)
        missed = enrol("UME-002", 120)
        dead = enrol("UME-003", 120)
        away = enrol("LUN-001", 120, "LUN")
        answer(ctx, assessment_of(ctx, missed, "W6"), noon(TODAY - timedelta(days=78)))
        answer(ctx, assessment_of(ctx, away, "W6"), noon(TODAY - timedelta(days=60)))
        answer(ctx, assessment_of(ctx, away, "M3"), noon(TODAY - timedelta(days=20)), submit=False)
        follow_up.give_reason(ctx, missed, assessment_of(ctx, missed, "T0"), "too_ill")
        event = events.standing_events(ctx, missed)[1]
        on = event.happened_on + timedelta(days=1)
        events.correct(ctx, missed, event.id, on, {"arm": "A"}, words[:200], confirmed=True)
        events.record(ctx, missed, "progression", TODAY - timedelta(days=2))
        events.record(ctx, dead, "death", TODAY - timedelta(days=3))
        hold = {"reason": "in_hospital", "until": str(TODAY + timedelta(days=9))}
        events.record(ctx, away, "hold", TODAY, hold)
        follow_up.log_attempt(ctx, due, "phone", "no_answer", assessment_of(ctx, due, "W6"))
        access.issue_link(ctx, due)
        access.set_pin(ctx, due)
        for row in (due, missed):
            w6 = assessment_of(ctx, row, "W6")
            for kind in ("call", "bad_email"):
                ctx.session.add(
                    Task(participant_id=row.id, assessment_id=w6.id, kind=kind, opened_at=ctx.now)
                )
            reminder = Reminder(
                participant_id=row.id,
                assessment_id=w6.id,
                step="opening",
                channel="email",
                due_at=ctx.now,
                status="handed_over",
                why=words[:200],
                claimed_at=ctx.now,
            )
            ctx.session.add(reminder)
            ctx.session.flush()
            ctx.session.add(
                Delivery(
                    reminder_id=reminder.id,
                    reference=f"r{reminder.id}",
                    channel="email",
                    started_at=ctx.now,
                    status="accepted",
                    detail=words[:200],
                )
            )
        tasks = {one.kind: one for one in ctx.session.query(Task).filter_by(participant_id=due.id)}
        follow_up.finish_task(ctx, due, tasks["bad_email"].id, words[:200])
    return {"due": due, "missed": missed, "dead": dead, "away": away}


def everybody(runtime: Runtime, name: str = "") -> dict[str, Known]:
    """Add one staff member of each role; the two that work at sites work at two of them."""
    return {
        role: make_staff(
            runtime, role, ("UME", "LUN"), email=f"{role}@example.org", name=name or f"Test {role}"
        )
        for role in STAFF_ROLES
    }
