"""The codebook: what every column, item, scale and code word of an export means.

Items are described by their code, range, condition and scales, never by their wording,
which belongs to its owner.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from qol_app.definition.instrument import Instrument, Item
from qol_app.definition.parts import in_language
from qol_app.definition.protocol import Protocol
from qol_app.export.columns import TABLES, Column
from qol_app.export.study import Study
from qol_app.schedule.status import AssessmentState, Expectation

CODEBOOK = "codebook.csv"
FIELDS = ("part", "within", "name", "short", "label", "type", "values", "empty_means", "source")
Row = tuple[str, str, str, str, str, str, str, str, str]

STATUS_MEANING = {
    "ANSWERED": "a code was chosen and stands",
    "SKIPPED": "seen and passed by on purpose",
    "NOT_APPLICABLE": "not asked, because the answer to another item made it meaningless",
    "NOT_REACHED": "the form was begun, this item was never come to",
}
STATE_MEANING = {
    AssessmentState.NOT_YET: "the window has not opened",
    AssessmentState.OPEN: "the window is open, nothing answered",
    AssessmentState.STARTED: "the window is open, some of it answered",
    AssessmentState.HELD: "the window is open, contact is paused",
    AssessmentState.PENDING: "the window is open, but the person may no longer be asked",
    AssessmentState.SUBMITTED: "handed in within the window",
    AssessmentState.SUBMITTED_LATE: "handed in outside the window; kept, and flagged",
    AssessmentState.PARTIAL: "closed with answers that were never handed in",
    AssessmentState.MISSED: "closed without answers, the reason not known",
    AssessmentState.MISSED_EXPLAINED: "closed without answers, the reason confirmed",
    AssessmentState.NOT_EXPECTED_DEAD: "not expected: the person had died",
    AssessmentState.NOT_EXPECTED_WITHDRAWN: "not expected: the person had withdrawn",
    AssessmentState.NOT_EXPECTED_LOST: "not expected: contact was lost",
    AssessmentState.NOT_EXPECTED_ENDED: "not expected: the study had ended for the person",
    AssessmentState.MERGED: "asked together with another, which is not answered yet",
    AssessmentState.DROPPED: "no longer planned",
}
EXPECTATION_MEANING = {
    Expectation.EXPECTED: "in the denominator of the completion rate",
    Expectation.PENDING: "not yet decided: the window has not closed",
    Expectation.DEAD: "not in the denominator: died before",
    Expectation.WITHDRAWN: "not in the denominator: withdrew before",
    Expectation.LOST: "not in the denominator: lost to follow-up before",
    Expectation.ENDED: "not in the denominator: the study ended before",
    Expectation.DROPPED: "not in the denominator: no longer planned",
}
# By column, the group of words whose meanings stand at the end of the codebook.
WORDS = {
    **{one: one for one in ("arm", "site", "timepoint", "package", "instrument", "reason")},
    **{one: one for one in ("state", "expectation")},
    "kind": "event",
    "status": "status of an item",
    "value_set": "value set",
    "scale": "scale",
    "item": "item",
}
# Where a scale has no score; otherwise too few of its items are answered.
NO_SCORE = {
    "mean_of_scales": "one of its scales has no score",
    "index": "one of its items is not answered",
    "copy": "not answered",
    "profile": "nothing answered; one item missing is a 9",
}


def write_codebook(folder: Path, study: Study, more: Iterable[tuple[str, Column]] = ()) -> None:
    """Write ``codebook.csv``, one row per thing described; ``more`` are columns of other tables."""
    rows = [*codebook_rows(study), *(_column(table, column) for table, column in more)]
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(FIELDS))]
    pa.csv.write_csv(pa.table(columns, names=list(FIELDS)), folder / CODEBOOK)


def codebook_rows(study: Study) -> Iterator[Row]:
    """Yield columns by table, then items and scales by instrument, then code words."""
    for table, columns in TABLES.items():
        yield from (_column(table, column) for column in columns)
    for instrument in study.instruments.values():
        yield from _items(instrument)
        yield from _scales(instrument, study.language)
    yield from _words("status of an item", STATUS_MEANING)
    yield from _words("state", {one.value: text for one, text in STATE_MEANING.items()})
    yield from _words("expectation", {one.value: text for one, text in EXPECTATION_MEANING.items()})
    titles = {one.code: one.title for one in study.instruments.values()}
    yield from _words("instrument", titles)
    yield from _protocol(study.protocol, study.language)


def _column(table: str, column: Column) -> Row:
    values = " ".join(column.values)
    if not values and column.name in WORDS:
        values = f"see {WORDS[column.name]}"
    return (
        "column",
        table,
        column.name,
        column.short,
        column.label,
        column.kind,
        values,
        column.empty,
        "",
    )


def _items(instrument: Instrument) -> Iterator[Row]:
    for item in instrument.items:
        scales = [one.code for one in instrument.scales if item.code in getattr(one, "items", ())]
        yield (
            "item",
            f"{instrument.code} {instrument.version}",
            item.code,
            "",
            f"scales: {', '.join(scales) or 'none'}; recall: {item.recall}",
            "whole",
            f"{item.first}..{item.last}",
            _condition(item),
            "",
        )


def _condition(item: Item) -> str:
    if item.asked_if is None:
        return "skipped or not reached"
    return f"as the status says; asked only if {item.asked_if.item} > {item.asked_if.over}"


def _scales(instrument: Instrument, language: str) -> Iterator[Row]:
    for scale in instrument.scales:
        yield (
            "scale",
            f"{instrument.code} {instrument.version}",
            scale.code,
            "",
            f"{in_language(scale.title, language)}; {scale.direction.value}",
            scale.rule,
            f"{scale.low:g}..{scale.high:g}",
            NO_SCORE.get(scale.rule, "too few items answered, or not asked"),
            scale.source,
        )
    for value_set in instrument.value_sets:
        yield (
            "value set",
            f"{instrument.code} {instrument.version}",
            value_set.code,
            "",
            value_set.title,
            value_set.method,
            "",
            "",
            value_set.source,
        )


def _words(within: str, words: dict[str, str]) -> Iterator[Row]:
    for word, meaning in words.items():
        yield ("word", within, word, "", meaning, "text", "", "", "")


def _protocol(protocol: Protocol, language: str) -> Iterator[Row]:
    titles = {
        "timepoint": {one.code: in_language(one.title, language) for one in protocol.timepoints},
        "event": {one.code: in_language(one.title, language) for one in protocol.events},
        "reason": {one.code: in_language(one.title, language) for one in protocol.missing_reasons},
        "package": {one.code: " ".join(one.instruments) for one in protocol.packages},
        "arm": {one.code: in_language(one.titles, language) for one in protocol.arms},
        "site": {one.code: one.name for one in protocol.sites},
    }
    for within, words in titles.items():
        yield from _words(within, words)
