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
    yield from _words("state", {state.value: "" for state in AssessmentState})
    yield from _words("expectation", {one.value: "" for one in Expectation})
    yield from _protocol(study.protocol, study.language)


def _column(table: str, column: Column) -> Row:
    values = " ".join(column.values)
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
            "too few items answered",
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
        "arm": {one.code: in_language(one.titles, language) for one in protocol.arms},
        "site": {one.code: one.name for one in protocol.sites},
    }
    for within, words in titles.items():
        yield from _words(within, words)
