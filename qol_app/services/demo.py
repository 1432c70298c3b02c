"""A demo study: made-up participants whose course is told through the real services.

Every date is relative to today, so that each screen has something true to show. The same
seed gives the same study, apart from its secrets.
"""

import hashlib
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from qol_app.assessment import ResponseStatus, is_asked
from qol_app.db.tables import Assessment, Participant
from qol_app.definition.instrument import Instrument, Item
from qol_app.errors import NotAllowed
from qol_app.services import access, answers, enrolment, events, follow_up, staff
from qol_app.services.context import Context
from qol_app.services.identity import Identity
from qol_app.services.planning import assessments_of
from qol_app.settings import Settings

SEED = 2019
# Whose link and PIN a visitor of the demo is given: one in English, one in Swedish.
VISITED = (1, 4)


@dataclass(frozen=True)
class Person:
    """One made-up participant: how long in the study, and what happened when."""

    number: int
    site: str
    arm: str | None
    days_in: int
    # (kind, day after randomisation, details)
    course: tuple[tuple[str, int, dict[str, str]], ...] = ()
    answers_share: float = 0.9
    language: str = "sv"
    leaves_due: bool = False
    severity: float = 0.35

    @property
    def study_number(self) -> str:
        """The number on the screening list."""
        return f"{self.site}-{self.number:03d}"


@dataclass
class DemoAccess:
    """What the demo prints: the ways in. Only a demo keeps any of this readable."""

    participants: list[dict[str, str]] = field(default_factory=list)
    staff: list[dict[str, Any]] = field(default_factory=list)


def people() -> list[Person]:
    """Return the 24 participants of the demo study."""
    hold = {"reason": "in_hospital"}
    nausea = {"term": "Nausea", "grade": "2"}
    wound = {"term": "Wound infection", "grade": "2", "clavien_dindo": "II"}
    told = [
        # site, arm, days since randomisation, course, share answered, left due
        Person(
            *(1, "UME", "A", 91),
            (("liver_procedure", 21, {}),),
            1.0,
            language="en",
            leaves_due=True,
        ),
        Person(
            *(2, "UME", "B", 400),
            (
                ("adverse_event", 63, nausea),
                ("progression", 250, {}),
                ("new_treatment_line", 262, {}),
            ),
        ),
        Person(
            3, "UME", "A", 760, (("liver_procedure", 18, {}), ("adverse_event", 24, wound)), 0.95
        ),
        Person(4, "UME", "B", 53, leaves_due=True),
        Person(
            5, "GBG", "B", 550, (("progression", 300, {}), ("death", 470, {})), 0.8, severity=0.6
        ),
        Person(6, "GBG", "A", 186, (("liver_procedure", 25, {}),), 1.0, leaves_due=True),
        Person(7, "GBG", "B", 370, (), 0.6),
        Person(8, "GBG", None, -9),
        Person(9, "KAR", "A", 920, (("liver_procedure", 30, {}), ("progression", 700, {})), 0.85),
        Person(10, "KAR", "B", 280, (("withdrawal_qol", 120, {}),), 0.9),
        Person(11, "KAR", "A", 47, (("liver_procedure", 20, {}),), 1.0, leaves_due=True),
        Person(12, "KAR", "B", 100, (("hold", 80, hold),), 0.9, severity=0.55),
        Person(13, "LIN", "A", 1100, (("liver_procedure", 22, {}),), 0.95, leaves_due=True),
        Person(14, "LIN", "B", 690, (("progression", 400, {}),), 0.75),
        Person(15, "LIN", "A", 205, (("liver_procedure", 28, {}),), 0.7, leaves_due=True),
        Person(16, "LIN", "B", 5),
        Person(17, "LUN", "A", 372, (("liver_procedure", 26, {}),), 1.0, language="en"),
        Person(
            18, "LUN", "B", 820, (("progression", 500, {}), ("death", 640, {})), 0.7, severity=0.65
        ),
        Person(19, "LUN", "B", 160, (), 0.9, leaves_due=True),
        Person(20, "LUN", None, -3),
        Person(21, "UPP", "A", 560, (("liver_procedure", 24, {}),), 0.85),
        Person(22, "UPP", "B", 300, (("lost_to_follow_up", 200, {}),), 0.8),
        Person(23, "UPP", "A", 84, (("liver_procedure", 19, {}),), 1.0, leaves_due=True),
        Person(24, "UPP", "B", 1000, (("progression", 610, {}),), 0.8),
    ]
    return told


def ways_in_file(settings: Settings) -> Path:
    """Return where a demo keeps its ways in, a file of its own for each database."""
    if settings.database_url == f"sqlite:///{settings.instance / 'qol.db'}":
        return settings.instance / "demo.json"
    name = hashlib.sha256(settings.database_url.encode()).hexdigest()[:12]
    return settings.instance / f"demo-{name}.json"


def is_filled(ctx: Context) -> bool:
    """Return whether anybody is enrolled already."""
    return ctx.session.scalar(select(Participant.id).limit(1)) is not None


def fill(ctx: Context, protocol_code: str) -> Iterator[tuple[str, DemoAccess]]:
    """Enrol everybody and let time pass for them; yield after each, for a progress bar.

    Yields
    ------
    (str, DemoAccess)
        The study number done, and the ways in known so far.
    """
    if is_filled(ctx):
        raise NotAllowed("demo: found participants already; wanted an empty study")
    ways_in = DemoAccess(staff=list(_staff(ctx)))
    for person in people():
        participant = _live(ctx, protocol_code, person)
        if person.number in VISITED:
            ways_in.participants.append(
                {
                    "study_number": participant.study_number,
                    "language": participant.language,
                    "token": access.issue_link(ctx, participant),
                    "pin": access.set_pin(ctx, participant),
                }
            )
        yield person.study_number, ways_in


STAFF = (
    ("coordinator.ume@example.org", "coordinator", ("UME",)),
    ("coordinator.gbg@example.org", "coordinator", ("GBG",)),
    ("trial.office@example.org", "trial-manager", ()),
    ("statistician@example.org", "statistician", ()),
    ("inspector@example.org", "inspector", ()),
    ("administrator@example.org", "administrator", ()),
)


def _staff(ctx: Context) -> Iterator[dict[str, Any]]:
    for email, role, sites in STAFF:
        password = secrets.token_urlsafe(12)
        _, secret = staff.add(ctx, email, email.partition("@")[0], role, sites, password)
        yield {
            "email": email,
            "role": role,
            "sites": sites,
            "password": password,
            "totp": secret,
        }


def _live(ctx: Context, protocol_code: str, person: Person) -> Participant:
    """Enrol one person and replay what happened to them, day by day."""
    chance = random.Random(f"{SEED}-{person.number}")
    today = ctx.today("Europe/Stockholm")
    randomised = today - timedelta(days=person.days_in)
    consent = (
        randomised - timedelta(days=8) if person.arm else today - timedelta(days=-person.days_in)
    )
    then = _at(ctx, consent)
    participant = enrolment.enrol(
        then,
        protocol_code,
        person.study_number,
        person.site,
        person.language,
        Identity(
            phone=f"070-174 {6 + person.number // 80:02d} {5 + person.number:02d}",
            email=f"{person.study_number.lower()}@example.org",
        ),
        consent_on=consent,
    )
    _answer_between(ctx, participant, person, chance, consent, min(randomised, today))
    if person.arm:
        _record(ctx, participant, "randomisation", randomised, {"arm": person.arm})
    for kind, day, details in person.course:
        on = randomised + timedelta(days=day)
        if on <= today:
            _record(ctx, participant, kind, on, details)
    _answer_between(ctx, participant, person, chance, randomised, today)
    _explain_some(ctx, participant, chance, today)
    return participant


def _record(
    ctx: Context, participant: Participant, kind: str, on: date, details: dict[str, str]
) -> None:
    events.record(_at(ctx, on, 14), participant, kind, on, details, confirmed=True)


def _at(ctx: Context, day: date, hour: int = 10) -> Context:
    """Return the same unit of work as if it were that day, never later than now."""
    then = datetime.combine(day, time(hour), tzinfo=UTC)
    return replace(ctx, now=min(then, ctx.now))


def _answer_between(
    ctx: Context,
    participant: Participant,
    person: Person,
    chance: random.Random,
    first: date,
    last: date,
) -> None:
    for row in assessments_of(ctx, participant.id):
        on = _answering_day(row, person, chance, first, last)
        if on is None:
            continue
        then = _at(ctx, on, chance.randrange(8, 18))
        if answers.may_answer(then, participant, row):
            _answer(then, participant, row, person, chance)


def _answering_day(
    row: Assessment, person: Person, chance: random.Random, first: date, last: date
) -> date | None:
    """Return the day this person answers, or None if they do not (or not yet)."""
    if row.started_at or row.dropped_at or row.counted_by_id:
        return None
    due_now = row.opens_on <= last <= row.closes_on
    if person.leaves_due and due_now:
        return None
    if chance.random() > person.answers_share:
        return None
    # A baseline is answered at the visit where consent is signed, or soon after.
    lag = chance.choice((0, 0, 1, 2) if row.provisional else (0, 0, 1, 2, 3, 5, 8, 12))
    early = row.opens_on if row.provisional else row.target_on - timedelta(days=5)
    base = max(row.opens_on, early, first)
    on = base + timedelta(days=lag)
    if chance.random() < 0.04:
        on = row.closes_on + timedelta(days=4)
    return on if on < last and on <= row.late_until else None


def _answer(
    ctx: Context, participant: Participant, row: Assessment, person: Person, chance: random.Random
) -> None:
    sitting = answers.open_assessment(ctx, participant, row)
    severity = min(0.95, max(0.02, person.severity + chance.gauss(0, 0.12)))
    stops_early = chance.random() < 0.03
    for number, form in enumerate(sitting.forms):
        if stops_early and number == len(sitting.forms) - 1:
            return
        _answer_form(ctx, form, severity, chance)
    answers.submit(ctx, participant, row)


def _answer_form(
    ctx: Context, form: "answers.OpenForm", severity: float, chance: random.Random
) -> None:
    given: dict[str, int | None] = {}
    for item in form.instrument.items:
        if not is_asked(form.instrument, item.code, given):
            continue
        skips = chance.random() < (0.15 if item.sensitive else 0.004)
        value = None if skips else _choice(form.instrument, item, severity, chance)
        given[item.code] = value
        status = ResponseStatus.SKIPPED if skips else ResponseStatus.ANSWERED
        answers.save_response(ctx, form, item.code, status, value)


def _choice(instrument: Instrument, item: Item, severity: float, chance: random.Random) -> int:
    """Return an answer that fits how this person is; a high code is bad unless it is not."""
    bad = min(1.0, max(0.0, severity + chance.gauss(0, 0.22)))
    if item.code in _high_is_good(instrument):
        bad = 1 - bad
    return round(item.first + bad * (item.last - item.first))


def _high_is_good(instrument: Instrument) -> frozenset[str]:
    return frozenset(
        code
        for scale in instrument.scales
        if scale.direction == "higher_is_better"
        and (scale.rule == "copy" or (scale.rule == "linear" and not scale.reverse))
        for code in scale.items
    )


def _explain_some(
    ctx: Context, participant: Participant, chance: random.Random, today: date
) -> None:
    """Give a reason for most empty closed assessments, as a coordinator would have."""
    for row in assessments_of(ctx, participant.id):
        closed = row.late_until < today - timedelta(days=20) and row.started_at is None
        if closed and not row.counted_by_id and chance.random() < 0.7:
            reason = chance.choice(("too_ill", "not_reached", "refused_this_time"))
            then = _at(ctx, row.late_until + timedelta(days=2))
            follow_up.give_reason(then, participant, row, reason)
