"""What a participant finds on coming in: what is due until when, what is done, what comes next."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, select

from qol_app.db.tables import Assessment, Participant, Site, Submission
from qol_app.definition.parts import in_language
from qol_app.services.context import Context
from qol_app.services.participants import history
from qol_app.services.planning import assessments_of
from qol_app.services.sittings import final_stop, sitting

# For how long a questionnaire that closed without answers is still spoken of.
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True)
class SiteCard:
    """Whom a participant may call."""

    name: str
    phone: str


@dataclass(frozen=True)
class Due:
    """A questionnaire that can be answered now."""

    ref: str
    title: str
    closes_on: date
    late_until: date
    late: bool
    begun: bool
    n_items: int
    items_left: int
    minutes_left: int


@dataclass(frozen=True)
class Done:
    """A questionnaire that was handed in."""

    title: str
    submitted_at: datetime
    receipt: str


@dataclass(frozen=True)
class Home:
    """What the first page shows.

    ``stopped`` is ``death``, ``withdrawal`` or ``end_of_study`` when nothing is asked any
    more; ``missed`` the questionnaires that closed of late without being handed in.
    """

    site: SiteCard
    timezone: str
    due: tuple[Due, ...] = ()
    done: tuple[Done, ...] = ()
    missed: tuple[str, ...] = ()
    next_opens_on: date | None = None
    stopped: str | None = None


_SITE_OF = (
    select(Site.name, Site.phone)
    .join(Participant, Participant.site_id == Site.id)
    .where(Participant.id == bindparam("person"))
)


def site_of(ctx: Context, participant_id: int) -> SiteCard:
    """Return whom this participant may call."""
    row = ctx.session.execute(_SITE_OF, {"person": participant_id}).one()
    return SiteCard(row.name, row.phone)


def site_card(ctx: Context, site_id: int) -> SiteCard | None:
    """Return whom to call at a site, if there is such a site."""
    row = ctx.session.get(Site, site_id)
    return SiteCard(row.name, row.phone) if row else None


def what_is_due(ctx: Context, participant: Participant) -> Home:
    """Return what can be answered now and until when, what is done and what comes next."""
    site = site_of(ctx, participant.id)
    today = ctx.today(participant.timezone)
    rows = [row for row in assessments_of(ctx, participant.id) if row.counted_by_id is None]
    submissions = _submissions(ctx, participant)
    done = tuple(
        Done(title(ctx, participant, row), sent.submitted_at, sent.receipt)
        for row in rows
        if (sent := submissions.get(row.id))
    )
    stopped = final_stop(history(ctx, participant.id), today)
    if stopped:
        return Home(site, participant.timezone, done=done, stopped=stopped)
    left = [row for row in rows if row.id not in submissions and row.dropped_at is None]
    return Home(
        site,
        participant.timezone,
        due=tuple(
            _due(ctx, participant, row, today)
            for row in left
            if row.opens_on <= today <= row.late_until
        ),
        done=done,
        missed=tuple(
            title(ctx, participant, row)
            for row in left
            if today - REMEMBERED <= row.late_until < today
        ),
        next_opens_on=min((row.opens_on for row in left if row.opens_on > today), default=None),
    )


def title(ctx: Context, participant: Participant, row: Assessment) -> str:
    """Return what an assessment is called, in the participant's language."""
    protocol = ctx.library.protocol(ctx.session, row.protocol_id)
    return in_language(protocol.timepoint(row.timepoint).title, participant.language)


def _submissions(ctx: Context, participant: Participant) -> dict[int, Submission]:
    query = (
        select(Submission)
        .join(Assessment, Assessment.id == Submission.assessment_id)
        .where(Assessment.participant_id == participant.id)
    )
    return {one.assessment_id: one for one in ctx.session.scalars(query)}


def _due(ctx: Context, participant: Participant, row: Assessment, today: date) -> Due:
    n_items, left, minutes = _amount(ctx, participant, row)
    return Due(
        ref=row.public_id,
        title=title(ctx, participant, row),
        closes_on=row.closes_on,
        late_until=row.late_until,
        late=today > row.closes_on,
        begun=row.started_at is not None,
        n_items=n_items,
        items_left=left,
        minutes_left=minutes,
    )


def _amount(ctx: Context, participant: Participant, row: Assessment) -> tuple[int, int, int]:
    """Return how many items are asked, how many are left, and about how many minutes."""
    protocol = ctx.library.protocol(ctx.session, row.protocol_id)
    whole = protocol.package(row.package).minutes
    if row.started_at is not None:
        state = sitting(ctx, participant, row).progress
        return state.asked, state.items_left, min(state.minutes_left, whole)
    instruments = ctx.library.newest_instruments(ctx.session, row.instruments)
    n_items = sum(len([i for i in one.items if i.asked_if is None]) for one in instruments)
    return n_items, n_items, whole
