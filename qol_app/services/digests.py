"""What each site is told in the morning: how much waits, never about whom."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select

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
    sites = ctx.session.scalars(select(Site).order_by(Site.id))
    awake = [site for site in sites if _is_morning(ctx, site)]
    told = _told(ctx) if awake else {}
    return [site for site in awake if told.get((site.id, _today(ctx, site))) in (None, "refused")]


def with_news(ctx: Context, sites: Sequence[Site]) -> list[Site]:
    """Return the sites with something to say to, or to try again; the others have been told.

    Most mornings most sites have nothing: they are counted, and written down, together.
    """
    found, told = counts(ctx, sites), _told(ctx)
    quiet = [
        site
        for site in sites
        if not found[site.id].anything and (site.id, _today(ctx, site)) not in told
    ]
    if quiet:
        insert = INSERTS[ctx.session.get_bind().dialect.name]
        rows = [{**_first(ctx, site), "status": "nothing"} for site in quiet]
        ctx.session.execute(insert(Digest).values(rows).on_conflict_do_nothing())
    return [site for site in sites if site not in quiet]


def _told(ctx: Context) -> Mapping[tuple[int, date], str]:
    rows = ctx.session.execute(
        select(Digest.site_id, Digest.day, Digest.status).where(
            Digest.day >= ctx.now.date() - timedelta(days=2)
        )
    )
    return {(row.site_id, row.day): row.status for row in rows}


def prepare(ctx: Context, house: House, site: Site) -> OutgoingDigest | None:
    """Return a site's mail of today, its attempt written down; None if there is none to send."""
    row = _claimed(ctx, site)
    if row is None:
        return None
    found = counts(ctx, [site])[site.id]
    if not found.anything:
        row.status = "nothing"
        return None
    thread = thread_of(site.id, row.day)
    subject, text = _words(house, found)
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


def thread_of(site_id: int, day: date) -> str:
    """Return the name by which every attempt at a site's mail of one day is known."""
    return sha256(f"digest|{site_id}|{day}".encode()).hexdigest()[:24]


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


def counts(ctx: Context, sites: Collection[Site]) -> dict[int, Counts]:
    """Return how much waits today at each of the sites, by the number of the site."""
    days = {site.id: _today(ctx, site) for site in sites}
    found: dict[int, dict[str, int]] = {id_: {} for id_ in days}
    for day in set(days.values()):
        here = [id_ for id_, today in days.items() if today == day]
        for name, query in _waiting(day).items():
            mine = query.where(Participant.site_id.in_(here)).group_by(Participant.site_id)
            for row in ctx.session.execute(mine):
                found[row.site_id][name] = row.n
    nothing = {"closing": 0, "tasks": 0, "uncertain": 0}
    return {id_: Counts(**{**nothing, **some}) for id_, some in found.items()}


def _waiting(today: date) -> dict[str, Select[int, int]]:
    """Return for each count the query of it; whoever asks says for which sites."""
    per_site = select(Participant.site_id, func.count().label("n"))
    return {
        "closing": per_site.join(Assessment, Assessment.participant_id == Participant.id)
        .outerjoin(Submission, Submission.assessment_id == Assessment.id)
        .where(
            Assessment.opens_on <= today,
            Assessment.closes_on.between(today, today + CLOSING_WITHIN),
            Assessment.dropped_at.is_(None),
            Assessment.counted_by_id.is_(None),
            Submission.assessment_id.is_(None),
        ),
        "tasks": per_site.join(Task, Task.participant_id == Participant.id).where(
            Task.done_at.is_(None)
        ),
        "uncertain": per_site.join(Reminder, Reminder.participant_id == Participant.id).where(
            Reminder.status == "uncertain"
        ),
    }


def _claimed(ctx: Context, site: Site) -> Digest | None:
    """Return today's row of a site if this caller made it, or may try it once more."""
    insert = INSERTS[ctx.session.get_bind().dialect.name]
    first = _first(ctx, site)
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


def _first(ctx: Context, site: Site) -> dict[str, object]:
    return {
        "site_id": site.id,
        "day": _today(ctx, site),
        "status": "started",
        "attempts": 1,
        "at": ctx.now,
        "detail": "",
    }


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
