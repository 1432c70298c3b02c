"""What each site is told in the morning: how much waits, never about whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from qol_app.db.tables import Assessment, Digest, Participant, Reminder, Site, Submission, Task
from qol_app.delivery.errors import TryAgainLater, Uncertain
from qol_app.delivery.message import HandedOver, Message
from qol_app.i18n import translations
from qol_app.services import audit
from qol_app.services.composing import House
from qol_app.services.context import Context
from qol_app.services.lease import INSERTS

# Local hour from which a site's morning mail goes out, on working days.
MORNING, NOON = 7, 12
CLOSING_WITHIN = timedelta(days=7)
LANGUAGE = "sv"
MOST_ATTEMPTS = 6


@dataclass(frozen=True)
class Counts:
    """How much waits at a site; all numbers, no names."""

    closing: int
    tasks: int
    uncertain: int

    @property
    def anything(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.closing or self.tasks or self.uncertain)


@dataclass(frozen=True)
class OutgoingDigest:
    """A site's mail of one day whose attempt has been committed."""

    digest_id: int
    message: Message


def due_sites(ctx: Context) -> list[Site]:
    """Return the sites whose morning it is and that have not been told today."""
    told = {
        (site_id, day): status
        for site_id, day, status in ctx.session.execute(
            select(Digest.site_id, Digest.day, Digest.status).where(
                Digest.day >= ctx.now.date() - timedelta(days=2)
            )
        )
    }
    return [
        site
        for site in ctx.session.scalars(select(Site).order_by(Site.id))
        if _is_morning(ctx, site) and told.get((site.id, _today(ctx, site))) in (None, "refused")
    ]


def prepare(ctx: Context, house: House, site: Site) -> OutgoingDigest | None:
    """Return a site's mail of today, its attempt written down; None if there is none to send."""
    row = _claimed(ctx, site)
    if row is None:
        return None
    counts = count(ctx, site)
    if not counts.anything:
        row.status = "nothing"
        return None
    thread = sha256(f"digest|{site.id}|{row.day}".encode()).hexdigest()[:24]
    subject, text = _words(house, counts)
    audit.record(ctx, "digest.begin", "digest", row.id, site=site.code)
    return OutgoingDigest(
        row.id,
        Message(
            reference=f"{thread}.{row.attempts}",
            thread=thread,
            to=site.email,
            subject=subject,
            text=text,
            language=LANGUAGE,
        ),
    )


def conclude(ctx: Context, outgoing: OutgoingDigest, outcome: HandedOver | Exception) -> None:
    """Write down how it ended; what may have arrived is not sent again."""
    row = ctx.session.get_one(Digest, outgoing.digest_id)
    if isinstance(outcome, HandedOver):
        row.status, row.detail = "accepted", outcome.detail
    elif isinstance(outcome, TryAgainLater) and row.attempts < MOST_ATTEMPTS:
        row.status, row.detail = "refused", str(outcome)
    else:
        known = isinstance(outcome, Uncertain)
        row.status, row.detail = "uncertain", str(outcome) if known else type(outcome).__name__
    row.at = ctx.now


def count(ctx: Context, site: Site) -> Counts:
    """Return how much waits at a site today."""
    today = _today(ctx, site)
    here = Participant.site_id == site.id
    closing = (
        select(func.count())
        .select_from(Assessment)
        .join(Participant, Participant.id == Assessment.participant_id)
        .outerjoin(Submission, Submission.assessment_id == Assessment.id)
        .where(
            here,
            Assessment.opens_on <= today,
            Assessment.closes_on.between(today, today + CLOSING_WITHIN),
            Assessment.dropped_at.is_(None),
            Assessment.counted_by_id.is_(None),
            Submission.assessment_id.is_(None),
        )
    )
    tasks = (
        select(func.count())
        .select_from(Task)
        .join(Participant, Participant.id == Task.participant_id)
        .where(here, Task.done_at.is_(None))
    )
    uncertain = (
        select(func.count())
        .select_from(Reminder)
        .join(Participant, Participant.id == Reminder.participant_id)
        .where(here, Reminder.status == "uncertain")
    )
    parts = [query.scalar_subquery() for query in (closing, tasks, uncertain)]
    return Counts(*ctx.session.execute(select(*parts)).one())


def _claimed(ctx: Context, site: Site) -> Digest | None:
    """Return today's row of a site if this caller made it, or may try it once more."""
    insert = INSERTS[ctx.session.get_bind().dialect.name]
    first = {
        "site_id": site.id,
        "day": _today(ctx, site),
        "status": "started",
        "attempts": 1,
        "at": ctx.now,
        "detail": "",
    }
    made = insert(Digest).values(**first).on_conflict_do_nothing().returning(Digest.id)
    id_ = ctx.session.execute(made).scalar_one_or_none()
    if id_ is not None:
        return ctx.session.get_one(Digest, id_)
    again = select(Digest).where(
        Digest.site_id == site.id, Digest.day == first["day"], Digest.status == "refused"
    )
    row = ctx.session.scalars(again.with_for_update()).one_or_none()
    if row is not None:
        row.status, row.attempts = "started", row.attempts + 1
    return row


def _words(house: House, counts: Counts) -> tuple[str, str]:
    _ = translations(LANGUAGE).gettext
    lines: Sequence[str] = [
        _("Close within a week, unanswered: %(n)s") % {"n": counts.closing},
        _("Open tasks: %(n)s") % {"n": counts.tasks},
        _("Messages that may not have arrived: %(n)s") % {"n": counts.uncertain},
        "",
        f"{house.addresses.base_url}/staff",
    ]
    return _("Your list for today"), "\n".join(lines) + "\n"


def _is_morning(ctx: Context, site: Site) -> bool:
    local = ctx.now.astimezone(ZoneInfo(site.timezone))
    return local.weekday() < 5 and MORNING <= local.hour < NOON


def _today(ctx: Context, site: Site) -> date:
    return ctx.today(site.timezone)
