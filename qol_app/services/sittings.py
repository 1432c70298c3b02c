"""One participant's sitting: what is asked, what is answered, and whether it still may be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, select

from qol_app.assessment import (
    ItemKey,
    Progress,
    ResponseStatus,
    Screen,
    is_asked,
    progress,
    screens,
    status_of,
)
from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, Form, Participant, Response, Submission
from qol_app.definition.event_kinds import STANDARD_EFFECTS, Effect, effect_of
from qol_app.definition.instrument import Instrument
from qol_app.definition.wording import Wording
from qol_app.errors import NotAllowed, NotFound
from qol_app.schedule.history import History
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.library import Library, newest_ids
from qol_app.services.participants import history, site_code

# Whoever is only lost from sight or on a pause may answer all the same, if they come by.
REF = re.compile(r"[A-Za-z0-9_-]{1,40}")
FINAL = {Effect.DEATH, Effect.WITHDRAWAL, Effect.END_OF_STUDY}
FINAL_EVENTS = tuple(kind for kind, effect in STANDARD_EFFECTS.items() if effect in FINAL)

_row = table_of(Assessment)
_LOCK = select(_row.c.id).where(_row.c.id == bindparam("of")).with_for_update()
_OWN = select(Assessment).where(
    Assessment.public_id == bindparam("ref"), Assessment.participant_id == bindparam("person")
)
_HANDED_IN = select(table_of(Submission).c.assessment_id).where(
    table_of(Submission).c.assessment_id == bindparam("of")
)
_FORMS = (
    select(Form.id.label("form_id"), Form.instrument_id, Form.wording_id)
    .where(Form.assessment_id == bindparam("of"))
    .order_by(Form.position)
)
_LATEST = (
    select(
        Form.instrument,
        Response.item,
        Response.status,
        Response.value,
        Response.counter,
        Response.event_id,
        Response.recorded_at,
    )
    .join(Form, Form.id == Response.form_id)
    .where(Form.assessment_id == bindparam("of"))
)


@dataclass(frozen=True, slots=True)
class OpenForm:
    """One instrument of a sitting, in the version and language it was begun with."""

    id: int
    assessment_id: int
    assessment_ref: str
    participant_id: int
    timezone: str
    opens_on: date
    late_until: date
    dropped: bool
    # "death", "withdrawal" or "end_of_study": nothing is stored any more.
    stopped: str | None
    instrument: Instrument
    wording: Wording

    def takes(self, day: date) -> bool:
        """Whether answers given on this local day are taken, if only as late ones."""
        return not self.dropped and self.opens_on <= day <= self.late_until


@dataclass(frozen=True, slots=True)
class Latest:
    """The answer event that counts for one item: the one of highest (counter, event_id)."""

    status: str
    value: int | None
    counter: int
    event_id: str
    recorded_at: datetime


NOTHING: Mapping[str, Latest] = {}


@dataclass(frozen=True)
class Sitting:
    """An assessment that has been begun, with the answers that count so far."""

    assessment: Assessment
    forms: tuple[OpenForm, ...]
    latest: Mapping[str, Mapping[str, Latest]]
    submission: Submission | None = None

    @cached_property
    def screens(self) -> tuple[Screen, ...]:
        """The screens of the items that are asked, given the answers so far."""
        given = self.given
        instruments = {form.instrument.code: form.instrument for form in self.forms}
        everything = screens(
            list(instruments.values()), {form.instrument.code: form.wording for form in self.forms}
        )
        return tuple(
            one
            for one in everything
            if is_asked(instruments[one.key.instrument], one.key.item, given[one.key.instrument])
        )

    @cached_property
    def given(self) -> dict[str, dict[str, int | None]]:
        """Answers by instrument and item; only those that were answered."""
        return {
            form.instrument.code: {
                item: one.value
                for item, one in self.latest.get(form.instrument.code, NOTHING).items()
                if one.status == ResponseStatus.ANSWERED
            }
            for form in self.forms
        }

    @cached_property
    def skipped(self) -> dict[str, set[str]]:
        """Items passed over on purpose, by instrument."""
        return {
            code: {item for item, one in items.items() if one.status == ResponseStatus.SKIPPED}
            for code, items in self.latest.items()
        }

    @property
    def progress(self) -> Progress:
        """How much is done and left."""
        return progress([form.instrument for form in self.forms], self.given, self.skipped)

    def form(self, instrument: str) -> OpenForm:
        """Return the form of one instrument; NotFound if it is not part of this sitting."""
        for form in self.forms:
            if form.instrument.code == instrument:
                return form
        raise NotFound("form: there is none of that name in this assessment")

    def latest_of(self, key: ItemKey) -> Latest | None:
        """Return the event that counts for an item, if it says anything that still holds."""
        one = self.latest.get(key.instrument, NOTHING).get(key.item)
        return one if one and one.status != ResponseStatus.NOT_APPLICABLE else None

    def status(self, key: ItemKey) -> ResponseStatus:
        """Return whether an item is answered, skipped, not asked or not yet reached."""
        return status_of(
            self.form(key.instrument).instrument,
            key.item,
            self.given[key.instrument],
            self.skipped.get(key.instrument, ()),
        )

    def revision(self, instrument: str) -> int:
        """Return the highest counter among a form's answers; a new one takes the next."""
        return max(
            (one.counter for one in self.latest.get(instrument, NOTHING).values()), default=0
        )

    def place(self, key: ItemKey) -> int:
        """Return an asked item's place among the screens, from 0; NotFound if it is not asked."""
        for place, screen in enumerate(self.screens):
            if screen.key == key:
                return place
        raise NotFound("item: it is not asked in this assessment")

    def first_left(self) -> Screen | None:
        """Return the first screen that is neither answered nor skipped, if any."""
        for screen in self.screens:
            if self.status(screen.key) is ResponseStatus.NOT_REACHED:
                return screen
        return None


def own_assessment(ctx: Context, participant_id: int, public_id: str) -> Assessment:
    """Return an assessment of this participant.

    Raises
    ------
    NotFound
        If it is somebody else's, or there is none.
    """
    row = None
    if REF.fullmatch(public_id):  # PostgreSQL takes no NUL, and no address of ours has one
        names = {"ref": public_id, "person": participant_id}
        row = ctx.session.scalars(_OWN, names).one_or_none()
    if row is None:
        raise NotFound("assessment: there is none of that name for you")
    return row


def lock(ctx: Context, assessment_id: int) -> None:
    """Let no other unit of work touch this sitting until this one ends."""
    # SQLite's writers already stand in one line. On PostgreSQL a save and a submission
    # must not pass each other, or an answer could land behind the submission.
    connection = ctx.session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCK, {"of": assessment_id})


def why_not(
    ctx: Context, participant: Participant, row: Assessment, known: History | None = None
) -> str | None:
    """Return in one word why an assessment cannot be answered now, or None if it can.

    ``death``, ``withdrawal``, ``end_of_study``, ``submitted``, ``elsewhere`` (asked together
    with another), ``gone`` (no longer planned), ``not_yet`` or ``closed``.
    """
    today = ctx.today(participant.timezone)
    stopped = final_stop(known or history(ctx, participant.id), today)
    if stopped:
        return stopped
    if ctx.session.execute(_HANDED_IN, {"of": row.id}).first() is not None:
        return "submitted"
    if row.counted_by_id is not None:
        return "elsewhere"
    if row.dropped_at is not None:
        return "gone"
    if today < row.opens_on:
        return "not_yet"
    return "closed" if today > row.late_until else None


def may_answer(ctx: Context, participant: Participant, row: Assessment) -> bool:
    """Return whether an assessment can be answered now, if only late."""
    return why_not(ctx, participant, row) is None


def final_stop(known: History, today: date) -> str | None:
    """Return ``death``, ``withdrawal`` or ``end_of_study`` if nothing is ever asked again."""
    reason = known.contact_state(today).reason
    effect = effect_of(reason) if reason else None
    return str(effect) if effect in FINAL else None


def open_assessment(ctx: Context, participant: Participant, row: Assessment) -> Sitting:
    """Return the sitting of an assessment, begun now if it was not before.

    From then on each form keeps its version and language, whatever is loaded later.

    Raises
    ------
    NotAllowed
        If it cannot be answered now.
    """
    lock(ctx, row.id)
    reason = why_not(ctx, participant, row)
    if reason:
        raise NotAllowed(f"assessment {row.timepoint}: it cannot be answered now ({reason})")
    if row.started_at is None:
        _begin(ctx, participant, row)
    return sitting(ctx, participant, row)


def _begin(ctx: Context, participant: Participant, row: Assessment) -> None:
    ctx.session.refresh(row)
    if row.started_at is not None:  # another device was quicker
        return
    instruments = newest_ids(ctx.session, "instrument", row.instruments)
    wordings = newest_ids(ctx.session, "wording", row.instruments, participant.language)
    for position, code in enumerate(row.instruments, start=1):
        ctx.session.add(
            Form(
                assessment_id=row.id,
                instrument=code,
                position=position,
                instrument_id=instruments[code],
                wording_id=wordings[code],
                language=participant.language,
                started_at=ctx.now,
            )
        )
    row.started_at = ctx.now
    ctx.session.flush()
    site = site_code(ctx, participant)
    audit.record(ctx, "assessment.start", "assessment", row.public_id, site=site)


def sitting(ctx: Context, participant: Participant, row: Assessment) -> Sitting:
    """Return a sitting as it stands: its forms and the answers that count."""
    forms = tuple(
        open_form(ctx, one, row, participant.id, participant.timezone)
        for one in ctx.session.execute(_FORMS, {"of": row.id})
    )
    return Sitting(row, forms, _latest(ctx, row.id), ctx.session.get(Submission, row.id))


def open_form(
    ctx: Context,
    form: Any,
    row: Any,
    participant_id: int,
    timezone: str,
    stopped: str | None = None,
) -> OpenForm:
    """Return a form with its definitions; ``row`` holds what its assessment's row does."""
    instrument = ctx.library.instrument(ctx.session, form.instrument_id)
    wording = ctx.library.wording(ctx.session, form.wording_id)
    return _form(form.form_id, row, participant_id, timezone, stopped, instrument, wording)


def known_form(library: Library, row: Any) -> OpenForm | None:
    """Return the form of a row that holds all of it; None if its definitions were not read yet."""
    instrument, wording = library.known(row.instrument_id), library.known(row.wording_id)
    if not isinstance(instrument, Instrument) or not isinstance(wording, Wording):
        return None
    return _form(row.form_id, row, row.participant_id, row.timezone, None, instrument, wording)


def _form(
    form_id: int,
    row: Any,
    participant_id: int,
    timezone: str,
    stopped: str | None,
    instrument: Instrument,
    wording: Wording,
) -> OpenForm:
    return OpenForm(
        id=form_id,
        assessment_id=row.id,
        assessment_ref=row.public_id,
        participant_id=participant_id,
        timezone=timezone,
        opens_on=row.opens_on,
        late_until=row.late_until,
        dropped=row.dropped_at is not None,
        stopped=stopped,
        instrument=instrument,
        wording=wording,
    )


def _latest(ctx: Context, assessment_id: int) -> dict[str, dict[str, Latest]]:
    rows = ctx.session.execute(_LATEST, {"of": assessment_id})
    found: dict[str, dict[str, Latest]] = {}
    for row in sorted(rows, key=lambda row: (row.counter, row.event_id)):
        found.setdefault(row.instrument, {})[row.item] = Latest(*row[2:])
    return found
