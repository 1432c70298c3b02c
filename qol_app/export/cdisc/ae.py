"""Adverse events: term and CTCAE grade in AE, the Clavien-Dindo grade beside it in SUPPAE."""

import json
import unicodedata
from typing import Any

import pandas as pd

from qol_app.export.cdisc.model import Dataset, dataset, numbered
from qol_app.export.cdisc.sdtm_spec import AE, SUPPAE
from qol_app.export.cdisc.trial import Trial, iso

ADVERSE = "adverse_event"
SURGICAL = "clavien_dindo"
# As passports write them: ICAO Doc 9303 part 3, section 6.
IN_ASCII = str.maketrans({"Å": "AA", "Ä": "AE", "Ö": "OE", "Æ": "AE", "Ø": "OE", "Ü": "UE"})


def adverse_events(trial: Trial, events: pd.DataFrame) -> list[Dataset]:
    """Return AE and, where a Clavien-Dindo grade is known, SUPPAE; neither without an event.

    Coding in a dictionary is done elsewhere.
    """
    mine = events[events["kind"] == ADVERSE]
    if not len(mine):
        return []
    told = [(_adverse(trial, row, _details(row)), _details(row)) for row in mine.itertuples()]
    found = dataset(AE, (row for row, _ in told))
    grades = [details.get(SURGICAL) or None for _, details in told]
    whole = numbered(Dataset(AE, found.frame.assign(grade=grades)), "AESEQ").frame
    graded = whole[whole["grade"].notna()]
    extra = dataset(SUPPAE, (_surgical(row) for row in graded.to_dict("records")))
    return [Dataset(AE, whole.drop(columns="grade")), *([extra] if len(graded) else [])]


def _details(row: Any) -> dict[str, Any]:
    return json.loads(row.details or "{}")


def _adverse(trial: Trial, row: Any, details: dict[str, Any]) -> dict[str, Any]:
    until = pd.to_datetime(details.get("until") or None)
    ended = None if pd.isna(until) else until.date()
    return {
        "STUDYID": trial.id,
        "DOMAIN": "AE",
        "USUBJID": trial.subject(row.participant),
        "AETERM": in_ascii(str(details.get("term") or "NOT SPECIFIED")),
        "AETOXGR": str(details["grade"]) if details.get("grade") else None,
        "AESTDTC": iso(row.happened_on),
        "AEENDTC": iso(ended),
        "AESTDY": trial.day(row.participant, row.happened_on),
        "AEENDY": trial.day(row.participant, ended),
    }


def in_ascii(term: str) -> str:
    """Return a term in capitals of ASCII: letters as passports write them, accents left off.

    A letter that has no such form stays, and the file that cannot hold it says so.
    """
    capitals = unicodedata.normalize("NFC", term).upper().translate(IN_ASCII)
    apart = unicodedata.normalize("NFD", capitals)
    return "".join(one for one in apart if not unicodedata.combining(one))


def _surgical(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "STUDYID": row["STUDYID"],
        "RDOMAIN": "AE",
        "USUBJID": row["USUBJID"],
        "IDVAR": "AESEQ",
        "IDVARVAL": str(row["AESEQ"]),
        "QNAM": "AECLAVDI",
        "QLABEL": "Clavien-Dindo Grade of Complication",
        "QVAL": row["grade"],
        "QORIG": "Collected",
    }
