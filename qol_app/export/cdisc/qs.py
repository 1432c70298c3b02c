"""QS: every question of every form that was begun, and one row for a form nobody began."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from qol_app.definition.instrument import Instrument
from qol_app.errors import DefinitionError
from qol_app.export.cdisc.model import Dataset, dataset, numbered, sorted_by
from qol_app.export.cdisc.questions import question_codes, question_label, whole_label
from qol_app.export.cdisc.sdtm_spec import QS, SUPPQS
from qol_app.export.cdisc.trial import Trial, iso, iso_second

Frames = Mapping[str, pd.DataFrame]
NOT_DONE = "NOT DONE"
WHY_NOT = {
    "SKIPPED": "SKIPPED BY SUBJECT",
    "NOT_APPLICABLE": "CONDITIONAL BRANCHING",
    "NOT_REACHED": "NOT REACHED BY SUBJECT",
}
# Questions closed because the symptom was absent count as 0 there (CDISC supplement, draft).
ZERO_IF_CLOSED = ("pro-ctcae",)
MISSED_STATES = ("missed", "missed_explained")
# Qualifier -> label, column of the form it comes from, origin.
QUALIFIERS = {
    "QSLANG": ("Language of the Questionnaire", "language", "Collected"),
    "QSMODE": ("Who Gave the Answers", "mode", "Collected"),
    "QSVERS": ("Version of the Questionnaire", "version", "Assigned"),
    "QSOUTWIN": ("Answered Outside the Window", "late", "Derived"),
    "QSAFTALL": ("Answered After Allocation Was Known", "after_allocation", "Derived"),
}


def qs(trial: Trial, frames: Frames) -> Dataset:
    """Return the questions in the order of subject, category, visit and question."""
    found = dataset(QS, [*_answers(trial, frames), *_forms_nobody_began(trial, frames)])
    _flag_last_before_start(found.frame, trial)
    return numbered(found, "QSSEQ")


def _answers(trial: Trial, frames: Frames) -> Iterator[dict[str, Any]]:
    known = {(one.code, one.version): one for one in trial.study.instruments.values()}
    visits = frames["visits"]
    answered = dict(zip(visits["assessment"], visits["answered_on"], strict=True))
    for row in frames["items"].itertuples(index=False):
        instrument, on = known[row.instrument, row.version], answered[row.assessment]
        yield {
            **_place(trial, row, instrument),
            **_result(instrument, row),
            "QSTESTCD": question_codes(instrument)[row.item],
            "QSTEST": question_label(instrument, row.item),
            "QSDTC": iso_second(trial.local(row.site, row.recorded_at)) or iso(on),
            "QSDY": _day(trial, row, on),
            "QSEVLINT": instrument.recall(instrument.item(row.item).recall).iso8601,
        }


def _day(trial: Trial, row: Any, otherwise: Any) -> int | None:
    at = trial.local(row.site, row.recorded_at)
    return trial.day(row.participant, otherwise if at is None else at.date())


def _place(trial: Trial, row: Any, instrument: Instrument) -> dict[str, Any]:
    return {
        "STUDYID": trial.id,
        "DOMAIN": "QS",
        "USUBJID": trial.subject(row.participant),
        "QSGRPID": group_id(row.assessment, instrument.code),
        "QSCAT": trial.category(instrument),
        "VISITNUM": trial.visit_number(row.timepoint, row.occurrence),
        "VISIT": trial.visit_name(row.timepoint, row.occurrence),
        "VISITDY": trial.planned_day(row.timepoint),
    }


def group_id(assessment: str, instrument: str) -> str:
    """Return QSGRPID: the same for all questions of one form."""
    return f"{assessment}/{instrument}"


def _result(instrument: Instrument, row: Any) -> dict[str, Any]:
    if row.status == "ANSWERED":
        code = f"{row.value:g}"
        return {"QSORRES": code, "QSSTRESC": code, "QSSTRESN": row.value}
    missing = {"QSSTAT": NOT_DONE, "QSREASND": WHY_NOT[row.status]}
    if row.status == "NOT_APPLICABLE" and instrument.code in ZERO_IF_CLOSED:
        return {**missing, "QSSTRESC": "0", "QSSTRESN": 0.0}
    return missing


def _forms_nobody_began(trial: Trial, frames: Frames) -> Iterator[dict[str, Any]]:
    begun = set(zip(frames["items"]["assessment"], frames["items"]["instrument"], strict=True))
    newest = trial.study.newest_instruments()
    for row in frames["visits"].itertuples(index=False):
        if row.state not in MISSED_STATES or not pd.isna(row.counted_by):
            continue
        for code in _instruments(trial, row.package):
            if (row.assessment, code) not in begun and code in newest:
                yield {
                    **_place(trial, row, newest[code]),
                    "QSTESTCD": "QSALL",
                    "QSTEST": whole_label(newest[code]),
                    "QSSTAT": NOT_DONE,
                    "QSREASND": spoken(row.reason) or "NOT ANSWERED",
                }


def _instruments(trial: Trial, package: str) -> tuple[str, ...]:
    try:
        return trial.protocol.package(package).instruments
    except DefinitionError:
        # A package of an earlier protocol version.
        return ()


def spoken(code: Any) -> str | None:
    """Return a code word as SDTM writes reasons: ``too_ill`` as TOO ILL; None if there is none."""
    return code.replace("_", " ").upper() if isinstance(code, str) else None


def _flag_last_before_start(frame: pd.DataFrame, trial: Trial) -> None:
    """Set QSLOBXFL on the last answered record of each question on or before the start."""
    start = {trial.subject(who): iso(on) for who, on in trial.start.items()}
    day = frame["QSDTC"].astype("string").str[:10]
    before = day.le(frame["USUBJID"].map(start).astype("string")).fillna(False).astype(bool)
    given = frame[before & frame["QSORRES"].notna()]
    key = ["USUBJID", "QSCAT", "QSTESTCD"]
    last = given.sort_values("QSDTC", kind="stable").drop_duplicates(key, keep="last")
    frame.loc[last.index, "QSLOBXFL"] = "Y"


def suppqs(trial: Trial, frames: Frames, answers: Dataset) -> Dataset:
    """Return what QS has no variable for, once per form."""
    forms = frames["scores"].drop_duplicates(["assessment", "instrument"]).to_dict("records")
    known = set(answers.frame["QSGRPID"])
    rows = [
        row
        for form in forms
        if group_id(form["assessment"], form["instrument"]) in known
        for row in _qualifiers(trial, form)
    ]
    return Dataset(SUPPQS, sorted_by(dataset(SUPPQS, rows).frame, list(SUPPQS.keys)))


def _qualifiers(trial: Trial, form: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, (label, column, origin) in QUALIFIERS.items():
        value = _text(form[column])
        if value is not None:
            yield {
                "STUDYID": trial.id,
                "RDOMAIN": "QS",
                "USUBJID": trial.subject(form["participant"]),
                "IDVAR": "QSGRPID",
                "IDVARVAL": group_id(form["assessment"], form["instrument"]),
                "QNAM": name,
                "QLABEL": label,
                "QVAL": value,
                "QORIG": origin,
            }


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "Y" if value else None
    return value if isinstance(value, str) and value else None
