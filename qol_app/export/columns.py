"""The long tables of an export, column by column: name, kind, label and what empty means.

Names are the same in every format and part of the public interface (docs/data-files.md).
``short`` is the name where a format allows eight characters only (SAS transport).
"""

from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

ARROW = MappingProxyType(
    {
        "text": pa.string(),
        "number": pa.float64(),
        "whole": pa.int64(),
        "date": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
        "flag": pa.bool_(),
    }
)

NOT_BEGUN = "not begun, or asked together with another"
ITEM_STATUSES = ("ANSWERED", "SKIPPED", "NOT_APPLICABLE", "NOT_REACHED")


@dataclass(frozen=True)
class Column:
    """One column: ``kind`` is a key of ``ARROW``; ``values`` lists the words it may hold."""

    name: str
    kind: str
    label: str
    short: str
    values: tuple[str, ...] = ()
    empty: str = ""


def _who() -> tuple[Column, ...]:
    return (
        Column("participant", "text", "Study number", "SUBJECT"),
        Column("site", "text", "Site code", "SITE"),
        Column("arm", "text", "Arm allocated", "ARM", empty="not randomised, or not shown"),
    )


def _when() -> tuple[Column, ...]:
    return (
        Column("assessment", "text", "Assessment, permanent id", "ASSESS"),
        Column("timepoint", "text", "Timepoint", "TIMEPT"),
        Column("occurrence", "whole", "Occurrence of the timepoint, from 1", "OCCUR"),
    )


def _form() -> tuple[Column, ...]:
    return (
        Column("instrument", "text", "Instrument", "INSTR"),
        Column("version", "text", "Instrument version", "VERSION"),
        Column("language", "text", "Language of the form", "LANG"),
        Column("mode", "text", "Who gave the answer", "MODE", empty="nothing answered"),
    )


PARTICIPANTS = (
    *_who(),
    Column("language", "text", "Language chosen", "LANG"),
    Column("protocol_version", "text", "Protocol version followed", "PROTVER"),
    Column("enrolled_at", "instant", "Enrolled at", "ENROLLED"),
    Column("consent_on", "date", "Consent", "CONSENT", empty="not recorded"),
    Column("randomised_on", "date", "Randomisation", "RANDOM", empty="not randomised"),
    Column("withdrawn_on", "date", "Withdrawal from questionnaires", "WITHDRAW", empty="no"),
    Column("lost_on", "date", "Lost to follow-up, latest spell", "LOST", empty="not lost"),
    Column("ended_on", "date", "End of study", "ENDED", empty="not ended"),
    Column("death_on", "date", "Death", "DEATH", empty="not known to be dead"),
    Column("last_alive_on", "date", "Last known alive", "LASTALIV", empty="not recorded"),
)

VISITS = (
    *_who(),
    *_when(),
    Column("package", "text", "Package of instruments", "PACKAGE"),
    Column("protocol_version", "text", "Protocol version it was planned by", "PROTVER"),
    Column("anchor_on", "date", "Date the window counts from", "ANCHOR"),
    Column("opens_on", "date", "Window opens", "OPENS"),
    Column("target_on", "date", "Target day", "TARGET"),
    Column("closes_on", "date", "Window closes", "CLOSES"),
    Column("late_until", "date", "Late answers taken until", "LATEUNTL"),
    Column("state", "text", "State on the day of the export", "STATE"),
    Column("expectation", "text", "Counted as expected on that day", "EXPECT"),
    Column("complete", "flag", "Valid and answered inside its window", "COMPLETE"),
    Column("valid", "flag", "Main instrument can be scored", "VALID", empty="not answered"),
    Column("started_at", "instant", "First answer", "STARTED", empty="not begun"),
    Column("submitted_at", "instant", "Submitted", "SUBMITTD", empty="not submitted"),
    Column(
        "answered_on",
        "date",
        "Local day that decides its timing",
        "ANSWERED",
        empty="not answered",
    ),
    Column("late", "flag", "Answered outside its window", "LATE", empty="not answered"),
    Column(
        "after_allocation",
        "flag",
        "Answered after allocation was known",
        "AFTALLOC",
        empty="not answered",
    ),
    Column("assisted", "flag", "Any answer not given alone", "ASSISTED", empty="not answered"),
    Column("mode", "text", "Who gave the answers", "MODE", empty="not answered"),
    Column("language", "text", "Language of the forms", "LANG", empty="not begun"),
    Column("reason", "text", "Confirmed reason for missing", "REASON", empty="none given"),
    Column("dropped_reason", "text", "Why no longer asked", "DROPPED", empty="still planned"),
    Column("counted_by", "text", "Assessment asked instead", "COUNTBY", empty="asked itself"),
    Column("n_answered", "whole", "Items answered", "NANSWER", empty=NOT_BEGUN),
    Column("n_skipped", "whole", "Items skipped", "NSKIP", empty=NOT_BEGUN),
    Column("n_not_applicable", "whole", "Items not applicable", "NNOTAPPL", empty=NOT_BEGUN),
    Column(
        "n_not_reached", "whole", "Items of begun forms not reached", "NNOTREAC", empty=NOT_BEGUN
    ),
)

ITEMS = (
    *_who(),
    *_when(),
    *_form(),
    Column("item", "text", "Item", "ITEM"),
    Column("value", "number", "Code answered", "VALUE", empty="see status"),
    Column("status", "text", "What became of the item", "STATUS", values=ITEM_STATUSES),
    Column("device", "text", "Device class", "DEVICE", empty="not known"),
    Column("shown_at", "instant", "Shown, by the device's clock", "SHOWN", empty="not known"),
    Column(
        "answered_at", "instant", "Answered, by the device's clock", "ANSWERED", empty="not known"
    ),
    Column(
        "recorded_at", "instant", "Stored, by the server's clock", "RECORDED", empty="see status"
    ),
    Column("changes", "whole", "Times changed before it was final", "CHANGES"),
)

SCORES = (
    *_who(),
    *_when(),
    *_form(),
    Column("definition", "text", "SHA-256 of the instrument definition", "DEFHASH"),
    Column("scale", "text", "Scale", "SCALE"),
    Column("value", "number", "Score, not rounded", "VALUE", empty="cannot be scored"),
    Column("value_text", "text", "Score that is a text (profile)", "VALUETXT", empty="a number"),
    Column("n_answered", "whole", "Items answered", "NANSWER"),
    Column("n_expected", "whole", "Items of the scale", "NEXPECT"),
    Column("n_not_applicable", "whole", "Items not applicable", "NNOTAPPL"),
    Column("value_set", "text", "Value set of a preference index", "VALUESET", empty="none used"),
    Column("answered_on", "date", "Local day of the answers", "ANSWERED"),
    Column("submitted", "flag", "The assessment was submitted", "SUBMITTD"),
    Column("late", "flag", "Answered outside its window", "LATE"),
    Column("after_allocation", "flag", "Answered after allocation was known", "AFTALLOC"),
    Column("program_version", "text", "Program that computed the score", "PROGRAM"),
)

EVENTS = (
    *_who(),
    Column("event", "whole", "Event, permanent number", "EVENT"),
    Column("kind", "text", "What happened", "KIND"),
    Column("happened_on", "date", "Day it happened", "DAY"),
    Column("details", "text", "Details as the protocol names them, JSON", "DETAILS"),
    Column("corrected", "flag", "Stands in the place of an earlier entry", "CORRECT"),
    Column("recorded_at", "instant", "Recorded", "RECORDED"),
)

TABLES = MappingProxyType(
    {
        "participants": PARTICIPANTS,
        "visits": VISITS,
        "items": ITEMS,
        "scores": SCORES,
        "events": EVENTS,
    }
)


def schema(table: str) -> pa.Schema:
    """Return the Arrow schema of one table."""
    return pa.schema([pa.field(one.name, ARROW[one.kind]) for one in TABLES[table]])
