"""What a reminder says, in the participant's language and with what is left to answer."""

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from qol_app.definition.message_texts import Messages


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What a message may tell: a link, the last day, what is left, whom to call.

    ``started`` says whether the participant has begun; the counts are of what is left.
    """

    link: str
    closes: date
    questions_left: int
    minutes_left: int
    site_phone: str
    started: bool = False


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message ready to send: a letter has subject and text, a text message the short line,
    a notice the subject and a line without the link, which is behind it."""

    subject: str
    text: str
    short: str
    notice: str


def render(messages: Messages, code: str, facts: MessageFacts) -> RenderedMessage:
    """Return a message's texts with everything filled in.

    Raises
    ------
    DefinitionError
        If the language has no message of that code.
    """
    message = messages.message(code)
    wording = message.started if facts.started and message.started else message
    filled = {
        "link": facts.link,
        "closes": format_date(facts.closes, messages.date_format, locale=messages.language),
        "questions_left": messages.questions.say(facts.questions_left),
        "minutes_left": messages.minutes.say(facts.minutes_left),
        "site_phone": facts.site_phone,
    }
    return RenderedMessage(
        subject=wording.subject.format_map(filled),
        text=wording.text.format_map(filled),
        short=wording.short.format_map(filled),
        notice=wording.notice.format_map(filled),
    )


def minutes_for(questions: int, all_questions: int, all_minutes: int) -> int:
    """Return about how many minutes some of a package's questions take; at least one."""
    if all_questions <= 0:
        return max(1, all_minutes)
    return max(1, round(all_minutes * questions / all_questions))
