"""CDISC ODM-XML 1.3.2: the study's definition and every answer, in one snapshot file.

The metadata are built as a tree; the clinical data are written subject by subject, so that
the file may be larger than memory.

Source
------
CDISC Operational Data Model 1.3.2; checked against its schema in the tests.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from qol_app.export.odm_metadata import (
    event_oid,
    form_oid,
    locations,
    metadata,
    study_oid,
    version_oid,
)
from qol_app.export.study import Part, Study
from qol_app.export.xml import ODM, element


class OdmWriter:
    """``odm/study.xml``: metadata first, then one SubjectData element per participant."""

    def __init__(self, folder: Path, study: Study) -> None:
        (folder / "odm").mkdir()
        self._study = study
        self._versions = {(one.code, one.version): one for one in study.instruments.values()}
        self._file: IO[str] = (folder / "odm" / "study.xml").open("w", encoding="utf-8")
        self._file.write("<?xml version='1.0' encoding='utf-8'?>\n")
        self._file.write(_open_root(study))
        for tree in (metadata(study), locations(study)):
            self._write(tree)
        clinical = f'StudyOID="{study_oid(study)}" MetaDataVersionOID="{version_oid(study)}"'
        self._file.write(f"<ClinicalData {clinical}>\n")

    def add(self, part: Part) -> None:
        """Write the subjects of this part."""
        frames = {name: part[name].to_pandas() for name in ("participants", "visits", "items")}
        visits = dict(iter(frames["visits"].groupby("participant", sort=False)))
        items = dict(iter(frames["items"].groupby("assessment", sort=False)))
        for row in frames["participants"].itertuples(index=False):
            mine = visits.get(row.participant)
            self._write(self._subject(row, mine, items))

    def close(self) -> None:
        """Finish the file."""
        self._file.write("</ClinicalData>\n</ODM>\n")
        self._file.close()

    def _write(self, tree: ET.Element) -> None:
        ET.indent(tree)
        self._file.write(_without_namespace(tree) + "\n")

    def _subject(
        self, row: Any, visits: pd.DataFrame | None, items: dict[str, pd.DataFrame]
    ) -> ET.Element:
        events = []
        if visits is not None:
            for visit in visits.itertuples(index=False):
                asked = items.get(visit.assessment)
                if visit.state != "dropped" or asked is not None:
                    events.append(self._event(visit, asked))
        site = element("SiteRef", {"LocationOID": f"LOC.{row.site}"})
        return element("SubjectData", {"SubjectKey": row.participant}, site, *events)

    def _event(self, visit: Any, items: pd.DataFrame | None) -> ET.Element:
        forms = [_visit_form(visit)]
        if items is not None:
            for instrument, rows in items.groupby("instrument", sort=False):
                forms.append(self._form(str(instrument), rows))
        return element(
            "StudyEventData",
            {
                "StudyEventOID": event_oid(visit.timepoint),
                "StudyEventRepeatKey": int(visit.occurrence),
            },
            *forms,
        )

    def _form(self, code: str, rows: pd.DataFrame) -> ET.Element:
        version = rows["version"].iloc[0]
        instrument = self._versions[code, version]
        oid = form_oid(instrument)
        data = [one for row in rows.itertuples(index=False) for one in _answer(oid, row)]
        group = element("ItemGroupData", {"ItemGroupOID": f"IG.{oid}"}, *data)
        return element("FormData", {"FormOID": oid}, group)


def _answer(form: str, row: Any) -> Iterator[ET.Element]:
    oid = f"IT.{form}.{row.item}"
    if row.status == "ANSWERED":
        yield element("ItemData", {"ItemOID": oid, "Value": f"{row.value:g}"})
    else:
        # ODM knows one kind of missing; which kind it is stands beside it.
        yield element("ItemData", {"ItemOID": oid, "IsNull": "Yes"})
    yield element("ItemData", {"ItemOID": f"{oid}.STATUS", "Value": row.status})


def _visit_form(visit: Any) -> ET.Element:
    values = {
        "IT.STATE": visit.state,
        "IT.SUBMITTED": None if pd.isna(visit.submitted_at) else visit.submitted_at.isoformat(),
        "IT.OUT_OF_WINDOW": _boolean(visit.late),
        "IT.AFTER_ALLOCATION": _boolean(visit.after_allocation),
        "IT.REASON": visit.reason,
    }
    data = [
        element("ItemData", {"ItemOID": oid, "Value": value})
        for oid, value in values.items()
        if value is not None and not pd.isna(value)
    ]
    group = element("ItemGroupData", {"ItemGroupOID": "IG.VISIT"}, *data)
    return element("FormData", {"FormOID": "FO.VISIT"}, group)


def _boolean(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(bool(value)).lower()


def _open_root(study: Study) -> str:
    attributes = {
        "xmlns": ODM,
        "ODMVersion": "1.3.2",
        "FileType": "Snapshot",
        "FileOID": f"{study_oid(study)}.{study.data_until:%Y%m%dT%H%M%S}",
        "CreationDateTime": study.data_until.isoformat(),
        "AsOfDateTime": study.data_until.isoformat(),
        "Originator": "qol-app",
        "SourceSystem": "qol-app",
        "SourceSystemVersion": study.program_version,
    }
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<ODM {written}>\n"


def _without_namespace(tree: ET.Element) -> str:
    # The root says it once for all.
    return ET.tostring(tree, encoding="unicode").replace(f' xmlns="{ODM}"', "", 1)
