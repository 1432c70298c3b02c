"""What staff pages call things: each word once, translated where it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from qol_app.definition.parts import in_language
from qol_app.definition.protocol import EventKind, Protocol
from qol_app.schedule.history import Contact, ContactState
from qol_app.schedule.plausibility import Finding
from qol_app.schedule.status import AssessmentState
from qol_app.services.context import Context
from qol_app.services.definitions import protocol_versions
from qol_app.web.language import _, page_language
from qol_app.web.visitor import runtime


def N_(text: str) -> str:
    """Mark a sentence for the catalogue; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Mark:
    """How a state is shown: a sign and a word that say it, a kind that only colours it."""

    sign: str
    word: str
    meaning: str
    kind: str = ""


MARKS: Mapping[AssessmentState, Mark] = {
    AssessmentState.SUBMITTED: Mark("✓", N_("Answered"), N_("Handed in within the window"), "good"),
    AssessmentState.SUBMITTED_LATE: Mark(
        "✓+", N_("Late"), N_("Handed in after the window had closed; kept, and flagged"), "good"
    ),
    AssessmentState.OPEN: Mark(
        "○", N_("Open"), N_("The window is open, nothing answered yet"), "info"
    ),
    AssessmentState.STARTED: Mark(
        "◐", N_("Begun"), N_("The window is open, some is answered"), "info"
    ),
    AssessmentState.HELD: Mark(
        "Ⅱ", N_("Paused"), N_("The window is open, contact is paused"), "warn"
    ),
    AssessmentState.PENDING: Mark(
        "…", N_("Waits"), N_("The window is open, but the person may no longer be asked")
    ),
    AssessmentState.NOT_YET: Mark("·", N_("Later"), N_("The window has not opened yet")),
    AssessmentState.PARTIAL: Mark(
        "◑", N_("In part"), N_("Closed with answers that were never handed in"), "warn"
    ),
    AssessmentState.MISSED: Mark(
        "!", N_("Empty"), N_("Closed without answers; the reason is not known yet"), "bad"
    ),
    AssessmentState.MISSED_EXPLAINED: Mark(
        "–", N_("Explained"), N_("Closed without answers; somebody has said why")
    ),
    AssessmentState.NOT_EXPECTED_DEAD: Mark(
        "†", N_("Died"), N_("Not expected: the person has died")
    ),
    AssessmentState.NOT_EXPECTED_WITHDRAWN: Mark(
        "×", N_("Declined"), N_("Not expected: the person wants no more questionnaires")
    ),
    AssessmentState.NOT_EXPECTED_LOST: Mark("?", N_("Lost"), N_("Not expected: contact was lost")),
    AssessmentState.NOT_EXPECTED_ENDED: Mark(
        "■", N_("Ended"), N_("Not expected: the study has ended for the person")
    ),
    AssessmentState.MERGED: Mark(
        "↦", N_("Together"), N_("Asked together with another questionnaire")
    ),
    AssessmentState.DROPPED: Mark("–", N_("Dropped"), N_("No longer planned")),
}

ROLE_WORDS: Mapping[str, str] = {
    "coordinator": N_("Coordinator"),
    "investigator": N_("Investigator"),
    "trial-manager": N_("Trial manager"),
    "statistician": N_("Statistician"),
    "inspector": N_("Inspector"),
    "administrator": N_("Administrator"),
}

CHANNEL_WORDS: Mapping[str, str] = {
    "phone": N_("Telephone"),
    "sms": N_("Text message"),
    "email": N_("E-mail"),
    "visit": N_("At a visit"),
    "letter": N_("Letter"),
    "push": N_("Notice on the telephone"),
    "console": N_("On this machine only"),
}

ATTEMPT_OUTCOMES: Mapping[str, str] = {
    "reached_will_answer": N_("Reached; will answer"),
    "reached_declined": N_("Reached; does not wish to answer this time"),
    "reached_other": N_("Reached; something else"),
    "left_message": N_("Left a message"),
    "no_answer": N_("No answer"),
    "wrong_contact": N_("Wrong number or address"),
}

# The worker names a task after the reminder step that asks for a call, or after what is wrong.
TASK_KINDS: Mapping[str, str] = {
    "call": N_("Telephone the participant"),
    "bad_email": N_("E-mail did not arrive: check the address"),
    "bad_sms": N_("Text messages do not arrive: check the number"),
    "bad_push": N_("Notices no longer reach the telephone"),
    "message_failed": N_("A message could not be sent: reach the participant another way"),
    "message_uncertain": N_("A message may not have arrived: ask the participant"),
}
OTHER_TASK = TASK_KINDS["call"]

MESSAGE_STATES: Mapping[str, str] = {
    "claimed": N_("Waits to be sent"),
    "sending": N_("Being sent"),
    "handed_over": N_("Sent"),
    "delivered": N_("Arrived"),
    "failed": N_("Could not be sent"),
    "uncertain": N_("Perhaps sent; not sent again"),
    "skipped": N_("Not sent: no longer wanted"),
    "planned": N_("Later"),
    "waiting": N_("Waits"),
    "not_needed": N_("Not needed"),
    "unaccounted": N_("Unaccounted for"),
    "asked": N_("Task open"),
    "done": N_("Task done"),
}

# What a step is, by the text that it sends; a protocol may have others, which have only codes.
STEP_WORDS: Mapping[str, str] = {
    "invitation": N_("Invitation"),
    "reminder": N_("Reminder"),
    "last": N_("Last reminder"),
    "call": N_("Call"),
}

# Why a step was not sent or waits, where it is not the name of an event or of a pause.
WHY_NOT_SENT: Mapping[str, str] = {
    "submitted": N_("Answered already"),
    "closed": N_("The window has closed"),
    "overtaken": N_("A later one said the same"),
    "no_channel": N_("No address to write to"),
    "no_day": N_("No day was free in the window"),
    "no_step": N_("The protocol foresees no message"),
    "dropped": N_("No longer planned"),
    "merged": N_("Asked together with another questionnaire"),
    "bad_address": N_("The address does not work"),
    "provider": N_("The provider refused again and again"),
    "interrupted": N_("Cut off on the way"),
    "stopped": N_("Wants no messages"),
    "paused": N_("Paused by the participant"),
    "contacted": N_("Was written to today already"),
    "quiet_hours": N_("It is night"),
    "before_hour": N_("It is not yet the hour"),
    "day_off": N_("A weekend or holiday"),
    "worker": N_("Waits for the next round"),
}

CONTACT_STOPS: Mapping[str, str] = {
    "no_consent": N_("No consent recorded"),
    "death": N_("Has died"),
    "withdrawal_qol": N_("Wants no more questionnaires"),
    "withdrawal_all": N_("Has left the study"),
    "lost_to_follow_up": N_("Contact lost"),
    "end_of_study": N_("Study ended"),
}

DETAIL_WORDS: Mapping[str, str] = {
    "arm": N_("Arm"),
    "until": N_("Last day"),
    "reason": N_("Reason"),
}

# One sentence per rule of qol_app.schedule.plausibility; its own text stands in for others.
FINDINGS: Mapping[str, str] = {
    "unknown_event": N_("The protocol has no such event."),
    "before_study": N_("This day is before the study started."),
    "after_death": N_(
        "This day is after the recorded death. If that date is wrong, correct it first."
    ),
    "death_before_alive": N_("The person was known to be alive after this day."),
    "death_before_events": N_("Other events are recorded after this day. Is the date right?"),
    "again": N_("This is recorded already. Correct that date instead."),
    "same_day": N_("This is recorded already on this very day. Did it happen twice?"),
    "no_consent": N_("No consent is recorded. Record that first."),
    "before_consent": N_("This day is before consent. Is the date right?"),
    "long_after_consent": N_(
        "This is more than 28 days after consent. Answers given before are likely too old for a"
        " baseline."
    ),
    "no_arm": N_("Choose the arm."),
    "unknown_arm": N_("The protocol has no such arm."),
    "detail": N_("A detail is missing or not as the protocol wants it. Go back and look it over."),
    "hold_reason": N_("Choose the reason for the pause."),
    "hold_open": N_("This pause has no last day. Shall it last until somebody ends it?"),
    "hold_until": N_("The last day must be a date on or after the first."),
    "hold_long": N_(
        "This pause is longer than the protocol foresees. Shall it be as long as that?"
    ),
    "nothing_to_end": N_("There is nothing recorded on or before this day that this could end."),
}
# The same rule, refused or asked about, is said differently.
FUTURE = {
    "refuse": N_("This day lies in the future."),
    "confirm": N_("This day lies in the future. Is it planned like that?"),
}


def said(finding: Finding) -> str:
    """Return a doubt about an event as a sentence in the language of the page."""
    if finding.code == "future":
        return _(FUTURE[finding.severity])
    if finding.code in FINDINGS:
        return _(FINDINGS[finding.code])
    return finding.text


def local(text: Mapping[str, str]) -> str:
    """Return a protocol's text in the language of the page."""
    return in_language(text, page_language())


def timepoint_titles(ctx: Context) -> dict[str, str]:
    """Return what each timepoint is called, in the language of the page.

    Those of every version of the protocol are among them, as the newest that has them says it:
    what was asked under an older one is still shown.
    """
    versions = protocol_versions(ctx, runtime().settings.protocol)
    return {one.code: local(one.title) for _, protocol in versions for one in protocol.timepoints}


def detail_said(kind: EventKind, name: str, value: str) -> tuple[str, str]:
    """Return what a detail of an event is called and what was given, in the page's language."""
    declared = {one.code: one for one in kind.fields}.get(name)
    if declared is None:
        return _(DETAIL_WORDS.get(name, name)), value
    chosen = {one.code: local(one.title) for one in declared.choices}
    return local(declared.title), chosen.get(value, value)


def contact_words(state: ContactState) -> str:
    """Return whether somebody may be contacted, and why not, in one or two words."""
    if state.state is Contact.ACTIVE:
        return _("In contact")
    if state.state is Contact.HELD:
        return _("Paused")
    return _(CONTACT_STOPS.get(state.reason or "", N_("Not contacted")))


def step_word(code: str, protocol: Protocol) -> str:
    """Return what a step of contact is; its code where the protocol no longer has it."""
    message = next((one.message for one in protocol.reminders if one.code == code), "")
    return _(STEP_WORDS[message]) if message in STEP_WORDS else code


def why_not(code: str, protocol: Protocol) -> str:
    """Return why a message was not sent or waits, in words: ours, an event's or a pause's."""
    known = {**CONTACT_STOPS, **WHY_NOT_SENT}
    if code in known:
        return _(known[code])
    pauses = {one.code: one.title for one in protocol.holds.reasons}
    return local(pauses[code]) if code in pauses else code
