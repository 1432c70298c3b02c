"""What is written to one participant: the protocol's text, a fresh link, a way to say stop."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import bindparam, func, select

from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, AuditEvent, Reminder
from qol_app.definition.message_texts import Messages, load_messages
from qol_app.delivery.message import Attachment, Message
from qol_app.errors import SettingsError
from qol_app.schedule.calendar_file import calendar_file
from qol_app.schedule.messages import MessageFacts, render
from qol_app.schedule.planned import PlannedAssessment
from qol_app.schedule.reminders import seconds_awake
from qol_app.schedule.timeline import TimelineEntry
from qol_app.schedule.windows import VisitWindow
from qol_app.services import access, identity
from qol_app.services.addresses import Addresses
from qol_app.services.contacting import ADDRESSES, GONE_OUT, Person
from qol_app.services.context import Context
from qol_app.services.sittings import sitting
from qol_app.settings import Settings

# Which of a message's wordings a channel has room for; any other than these the one line.
WORDING = {"email": "text", "console": "text", "push": "notice"}

_event = table_of(AuditEvent)
_MOVES = select(func.count()).where(
    _event.c.subject == "assessment",
    _event.c.subject_id == bindparam("of"),
    _event.c.action == "assessment.move",
)


@dataclass(frozen=True)
class House:
    """What every message of this installation shares."""

    addresses: Addresses
    messages: Mapping[str, Messages]

    @classmethod
    def of(cls, settings: Settings) -> "House":
        """Return the house of an installation, its texts read and found discreet.

        Raises
        ------
        SettingsError
            If there are no texts.
        DefinitionError
            If a text tells an onlooker too much.
        """
        folder = settings.questionnaires / "messages"
        messages = load_messages(folder)
        if not messages:
            raise SettingsError(f"{folder}: found no texts; wanted one file for each language")
        return cls(Addresses.of(settings), messages)


def thread_of(row: Assessment, reminder: Reminder) -> str:
    """Return the name of the intent behind a reminder: the same at every attempt.

    It stands in headers and at providers, so it says nothing about anybody.
    """
    text = f"{row.public_id}|{reminder.step}|{reminder.channel}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def address_of(ctx: Context, person: Person, channel: str) -> str | None:
    """Return the plain address of a participant on a channel; empty for the console."""
    column = ADDRESSES.get(channel)
    if column is None:
        return ""
    return identity.detail_of(ctx, person.participant.identity_ref, column)


def compose(
    ctx: Context, house: House, person: Person, row: Assessment, reminder: Reminder, to: str
) -> tuple[Message, int]:
    """Return the message of one reminder with a link of its own, and the number of that link.

    The link token exists only here and in the message: what is stored is its hash. Older
    links keep working until they expire; the PIN never travels by any of these channels.
    """
    language = person.participant.language
    messages = house.messages.get(language) or next(iter(house.messages.values()))
    token, link_id = access.new_link(ctx, person.participant)
    link = house.addresses.link(token)
    questions, minutes = left_to_answer(ctx, person, row)
    rendered = render(
        messages,
        person.protocol.step(reminder.step).message,
        MessageFacts(
            link=link,
            closes=row.closes_on,
            questions_left=questions,
            minutes_left=minutes,
            site_phone=person.site.phone,
            started=row.started_at is not None,
        ),
    )
    thread = thread_of(row, reminder)
    reference = f"{thread}.{reminder.attempts}"
    message = Message(
        reference=reference,
        thread=thread,
        to=to,
        subject=rendered.subject,
        text=getattr(rendered, WORDING.get(reminder.channel, "short")),
        language=messages.language,
        link=link,
        unsubscribe_url=house.addresses.stop(person.participant.public_id),
        callback_url=house.addresses.callback(reminder.channel, reference),
        keeps_s=seconds_awake(person.protocol.contact, ctx.now, person.zone),
        attachments=attachments(ctx, house, person, row, reminder),
    )
    return message, link_id


def attachments(
    ctx: Context, house: House, person: Person, row: Assessment, reminder: Reminder
) -> tuple[Attachment, ...]:
    """Return the files that travel with a message: a calendar entry with the first e-mail."""
    earlier = [
        one
        for one in person.reminders
        if one.assessment_id == row.id and one.channel == "email" and one.status in GONE_OUT
    ]
    if reminder.channel != "email" or earlier:
        return ()
    asked = PlannedAssessment(
        timepoint=row.timepoint,
        occurrence=row.occurrence,
        anchor_on=row.anchor_on,
        window=VisitWindow(row.opens_on, row.target_on, row.closes_on, row.late_until),
        package=row.package,
        instruments=tuple(row.instruments),
    )
    host = urlsplit(house.addresses.base_url).hostname
    moved = _times_moved(ctx, row)
    # What was begun before an amendment may be called something there that is called nothing now.
    content = calendar_file(
        ctx.library.protocol(ctx.session, row.protocol_id),
        [TimelineEntry(asked, ())],
        uid=lambda key: f"{row.public_id}@{host}",
        made_at=ctx.now,
        language=person.participant.language,
        sequence=lambda key: moved,
        with_reminders=False,
    )
    return (Attachment("calendar.ics", "text/calendar", content),)


def _times_moved(ctx: Context, row: Assessment) -> int:
    found: int = ctx.session.connection().execute(_MOVES, {"of": row.public_id}).scalar_one()
    return found


def left_to_answer(ctx: Context, person: Person, row: Assessment) -> tuple[int, int]:
    """Return how many questions of an assessment are left, and about how many minutes."""
    if row.started_at is None:
        instruments = ctx.library.newest_instruments(ctx.session, row.instruments)
        questions = sum(1 for one in instruments for item in one.items if item.asked_if is None)
        return questions, person.protocol.package(row.package).minutes
    found = sitting(ctx, person.participant, row).progress
    return found.items_left, max(1, found.minutes_left)
