"""What each site is told in the morning: how much waits, never about whom."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, select, update

from qol_app.db.base import table_of
from qol_app.db.several import OfSome
from qol_app.db.tables import Assessment, Digest, Participant, Site, Submission, Task
from qol_app.delivery.errors import TryAgainLater, Uncertain
from qol_app.delivery.message import HandedOver, Message
from qol_app.i18n import translations
from qol_app.services import audit
from qol_app.services.composing import House
from qol_app.services.context import Context, today
from qol_app.services.lease import INSERTS
from qol_app.services.looking import Look
from qol_app.services.participants import histories
from qol_app.services.tasks import UNCERTAIN_TASK

# Local hour from which a site's morning mail goes out, on working days.
MORNING, NOON = 7, 12
CLOSING_WITHIN = timedelta(days=7)
LANGUAGE = "sv"
MOST_ATTEMPTS = 6

_site, _digest = table_of(Site), table_of(Digest)
_SITES = select(_site.c.id, _site.c.code, _site.c.email, _site.c.timezone).order_by(_site.c.id)
_TOLD = select(_digest.c.site_id, _digest.c.day, _digest.c.status).where(
    _digest.c.day >= bindparam("since")
)
# Asked of every site each morning, so made once.
_CLOSING = OfSome(
    Participant.site_id,
    select(Participant.site_id, Participant.id.label("participant_id"))
    .join(Assessment, Assessment.participant_id == Participant.id)
    .outerjoin(Submission, Submission.assessment_id == Assessment.id)
    .where(
        Assessment.opens_on <= bindparam("day"),
        Assessment.closes_on.between(bindparam("day"), bindparam("soon")),
        Assessment.dropped_at.is_(None),
        Assessment.counted_by_id.is_(None),
        Submission.assessment_id.is_(None),
    ),
)
_TASKS = OfSome(
    Participant.site_id,
    select(Participant.site_id, Task.kind, func.count().label("n"))
    .join(Task, Task.participant_id == Participant.id)
    .where(Task.done_at.is_(None))
    .group_by(Participant.site_id, Task.kind),
)
_CONCLUDE = (
    update(_digest)
    .where(_digest.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in ("status", "detail", "at")})
)
_BEGUN = (_digest.c.id, _digest.c.site_id, _digest.c.day, _digest.c.attempts)
_MAKE = {
    name: insert(_digest).on_conflict_do_nothing().returning(*_BEGUN)
    for name, insert in INSERTS.items()
}


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
    attempts: int
    message: Message


def due_sites(look: Look, now: datetime) -> list[Row[Any]]:
    """Return the sites whose morning it is and that have not been told today."""
    awake = [site for site in look(_SITES, {}) if _is_morning(now, site)]
    if not awake:
        return []
    since = {"since": now.date() - timedelta(days=2)}
    told = {(row.site_id, row.day): row.status for row in look(_TOLD, since)}
    return [
        site
        for site in awake
        if told.get((site.id, today(now, site.timezone))) in (None, "refused")
    ]


def prepare(ctx: Context, house: House, sites: Sequence[Row[Any]]) -> list[OutgoingDigest]:
    """Return the mails of today, their attempts written down; none to a site without news."""
    found = counts(ctx, sites)
    begun = _begun(ctx, sites, {id_ for id_, one in found.items() if one.anything})
    return [
        _outgoing(ctx, house, site, begun[site.id], found[site.id])
        for site in sites
        if site.id in begun and found[site.id].anything
    ]


def _outgoing(
    ctx: Context, house: House, site: Row[Any], row: Row[Any], found: Counts
) -> OutgoingDigest:
    thread = thread_of(site.id, row.day)
    subject, text = _words(house, found)
    audit.record(ctx, "digest.begin", "digest", row.id, site=site.code)
    message = Message(
        reference=f"{thread}.{row.attempts}",
        thread=thread,
        to=site.email,
        subject=subject,
        text=text,
        language=LANGUAGE,
    )
    return OutgoingDigest(row.id, row.attempts, message)


def thread_of(site_id: int, day: date) -> str:
    """Return the name by which every attempt at a site's mail of one day is known."""
    return sha256(f"digest|{site_id}|{day}".encode()).hexdigest()[:24]


def conclude(ctx: Context, outgoing: OutgoingDigest, outcome: HandedOver | Exception) -> None:
    """Write down how it ended; what may have arrived is not sent again."""
    if isinstance(outcome, HandedOver):
        status, detail = "accepted", outcome.detail
    elif isinstance(outcome, TryAgainLater) and outgoing.attempts < MOST_ATTEMPTS:
        status, detail = "refused", str(outcome)
    else:
        known = isinstance(outcome, Uncertain)
        status, detail = "uncertain", str(outcome) if known else type(outcome).__name__
    values = {"of": outgoing.digest_id, "status": status, "detail": detail, "at": ctx.now}
    ctx.session.connection().execute(_CONCLUDE, values)


def counts(ctx: Context, sites: Collection[Row[Any]]) -> dict[int, Counts]:
    """Return how much waits today at each of the sites, by the number of the site.

    What somebody left unanswered who died or left the study waits for nobody. A message that
    may not have arrived is counted until the task about it is done.
    """
    day_of = {site.id: ctx.today(site.timezone) for site in sites}
    ctx.session.flush()
    found: dict[int, Counter[str]] = {id_: Counter() for id_ in day_of}
    for row in _TASKS.rows(ctx.session.connection(), list(day_of)):
        found[row.site_id]["tasks"] += row.n
        found[row.site_id]["uncertain"] += row.n if row.kind == UNCERTAIN_TASK else 0
    for site_id in _sites_of_closing(ctx, day_of):
        found[site_id]["closing"] += 1
    return {
        id_: Counts(one["closing"], one["tasks"], one["uncertain"]) for id_, one in found.items()
    }


def _sites_of_closing(ctx: Context, day_of: Mapping[int, date]) -> Iterator[int]:
    """Yield for each assessment that closes within a week, and can be answered, its site."""
    for day in set(day_of.values()):
        here = [id_ for id_, local in day_of.items() if local == day]
        soon = day + CLOSING_WITHIN
        rows = _CLOSING.rows(ctx.session.connection(), here, day=day, soon=soon)
        known = histories(ctx, {row.participant_id for row in rows}) if rows else {}
        for row in rows:
            if not known[row.participant_id].stopped_for_good(day):
                yield row.site_id


def _begun(
    ctx: Context, sites: Sequence[Row[Any]], with_news: Collection[int]
) -> dict[int, Row[Any]]:
    """Return today's row of each site for which this caller made it, or may try it once more."""
    day_of = {site.id: ctx.today(site.timezone) for site in sites}
    rows = [
        {
            "site_id": id_,
            "day": day,
            "status": "started" if id_ in with_news else "nothing",
            "attempts": 1,
            "at": ctx.now,
            "detail": "",
        }
        for id_, day in day_of.items()
    ]
    connection = ctx.session.connection()
    begun = {row.site_id: row for row in connection.execute(_MAKE[connection.dialect.name], rows)}
    for id_ in sorted(day_of.keys() - begun.keys()):
        status = "started" if id_ in with_news else "nothing"
        again = (
            update(_digest)
            .where(
                _digest.c.site_id == id_,
                _digest.c.day == day_of[id_],
                _digest.c.status == "refused",
            )
            .values(status=status, attempts=_digest.c.attempts + 1)
        )
        row = connection.execute(again.returning(*_BEGUN)).one_or_none()
        if row is not None:
            begun[id_] = row
    return begun


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


def _is_morning(now: datetime, site: Row[Any]) -> bool:
    local = now.astimezone(ZoneInfo(site.timezone))
    return local.weekday() < 5 and MORNING <= local.hour < NOON
