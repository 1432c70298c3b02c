"""The study as one FHIR R4 Bundle: forms, answers, scores and who takes part, never identity.

Every resource has an address made of what it is (``urn:uuid``), so that references hold inside
the file and the same data give the same bytes. Entries are written participant by participant.

Source
------
HL7 FHIR R4 (4.0.1); data-absent-reason code system; NCI Thesaurus codes of the definitions.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import NAMESPACE_URL, uuid5

import pandas as pd

from qol_app.definition.instrument import Instrument
from qol_app.definition.parts import in_language
from qol_app.definition.wording import ItemText, Wording
from qol_app.export.fhir_questionnaire import DEFINITION_HASH, SYSTEMS, questionnaire
from qol_app.export.study import Part, Study

Json = dict[str, Any]
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ABSENT_CODES = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
# FHIR's words for the three kinds of item without an answer; they stay three.
WITHOUT_ANSWER = {
    "SKIPPED": "asked-declined",
    "NOT_APPLICABLE": "not-applicable",
    "NOT_REACHED": "not-asked",
}
TABLES = ("participants", "visits", "items", "scores")


class FhirWriter:
    """``fhir/bundle.json``: the study and its forms first, then participant by participant."""

    def __init__(self, folder: Path, study: Study) -> None:
        (folder / "fhir").mkdir()
        self._study = study
        self._versions = {(one.code, one.version): one for one in study.instruments.values()}
        self._file: IO[str] = (folder / "fhir" / "bundle.json").open("w", encoding="utf-8")
        at = json.dumps(study.data_until.isoformat())
        self._file.write(f'{{"resourceType": "Bundle", "type": "collection", "timestamp": {at},\n')
        self._file.write('"entry": [\n')
        self._separator = ""
        self._write(_research_study(study), "ResearchStudy", study.protocol.code)
        self._forms = {
            one.sha256: questionnaire(one, {"en": without_wording(one)})
            for one in study.instruments.values()
        }
        for sha256, form in self._forms.items():
            self._write(form, "Questionnaire", sha256)

    def add(self, part: Part) -> None:
        """Write what these participants answered and scored."""
        frames = {name: part[name].to_pandas() for name in TABLES}
        visits, items, scores = (
            dict(iter(frames[name].groupby("participant", sort=False)))
            for name in ("visits", "items", "scores")
        )
        for person in frames["participants"].itertuples(index=False):
            who = person.participant
            self._write(_patient(person), "Patient", who)
            self._write(_research_subject(self._study, person), "ResearchSubject", who)
            if who in items:
                self._responses(visits[who].set_index("assessment"), items[who])
                self._observations(scores[who])

    def close(self) -> None:
        """Finish the file."""
        self._file.write("\n]}\n")
        self._file.close()

    def _responses(self, visits: pd.DataFrame, items: pd.DataFrame) -> None:
        forms = items.groupby(["assessment", "instrument"], sort=False)
        for (assessment, instrument), rows in forms:
            definition = self._versions[instrument, rows["version"].iloc[0]]
            answers = {row.item: row for row in rows.itertuples(index=False)}
            resource = _response(visits.loc[assessment], definition, rows["language"].iloc[0])
            resource["item"] = list(_pages(definition, self._forms[definition.sha256], answers))
            self._write(resource, "QuestionnaireResponse", f"{assessment}/{instrument}")

    def _observations(self, scores: pd.DataFrame) -> None:
        for row in scores.itertuples(index=False):
            definition = self._versions[row.instrument, row.version]
            name = f"{row.assessment}/{row.instrument}/{row.scale}"
            self._write(_observation(row, definition), "Observation", name)

    def _write(self, resource: Json, kind: str, name: str) -> None:
        self._file.write(self._separator)
        self._separator = ",\n"
        entry = {"fullUrl": address(kind, name), "resource": resource}
        json.dump(entry, self._file, ensure_ascii=False, allow_nan=False)


def address(kind: str, name: str) -> str:
    """Return the address of one resource inside the bundle, the same each time."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'urn:qol-app:{kind}:{name}')}"


def without_wording(instrument: Instrument) -> Wording:
    """Return codes in the place of texts: the wording is its owner's and leaves with nobody."""
    return Wording(
        instrument=instrument.code,
        language="en",
        stand_in=True,
        title=instrument.title,
        instruction="Codes in the place of texts; the wording is not part of data files.",
        recall={one.code: one.code for one in instrument.recalls},
        items={
            item.code: ItemText(
                prompt=item.code,
                options={code: str(code) for code in item.allowed} if item.kind == "choice" else {},
                low=None if item.kind == "choice" else str(item.first),
                high=None if item.kind == "choice" else str(item.last),
            )
            for item in instrument.items
        },
    )


def _reference(kind: str, name: str) -> Json:
    return {"reference": address(kind, name)}


def _research_study(study: Study) -> Json:
    return {
        "resourceType": "ResearchStudy",
        "identifier": [{"system": "urn:qol-app:protocol", "value": study.protocol.code}],
        "title": study.protocol.title,
        "status": "active",
        "arm": [
            {"name": one.code, "description": in_language(one.titles, "en")}
            for one in study.protocol.arms
        ],
    }


def _patient(person: Any) -> Json:
    # The study number is all there is: identity stands apart and is never exported.
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:qol-app:study-number", "value": person.participant}],
    }


def _research_subject(study: Study, person: Any) -> Json:
    resource = {
        "resourceType": "ResearchSubject",
        "identifier": [{"system": "urn:qol-app:study-number", "value": person.participant}],
        "status": _status(person),
        "study": _reference("ResearchStudy", study.protocol.code),
        "individual": _reference("Patient", person.participant),
    }
    period = {"start": person.consent_on, "end": _first(person.death_on, person.ended_on)}
    known = {name: day.isoformat() for name, day in period.items() if _there(day)}
    if known:
        resource["period"] = known
    return resource | ({"assignedArm": person.arm} if _there(person.arm) else {})


def _status(person: Any) -> str:
    if _there(person.death_on) or _there(person.ended_on):
        return "off-study"
    if _there(person.withdrawn_on):
        return "withdrawn"
    return "on-study" if _there(person.randomised_on) else "screening"


def _response(visit: Any, instrument: Instrument, language: str) -> Json:
    submitted = visit["submitted_at"]
    resource = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"urn:qol-app:instrument:{instrument.code}|{instrument.version}",
        "status": "completed" if _there(submitted) else "in-progress",
        "language": language,
        "subject": _reference("Patient", visit["participant"]),
        "extension": [{"url": "urn:qol-app:fhir:timepoint", "valueString": visit["timepoint"]}],
    }
    return resource | ({"authored": submitted.isoformat()} if _there(submitted) else {})


def _pages(instrument: Instrument, form: Json, answers: dict[str, Any]) -> Iterator[Json]:
    for page in form["item"]:
        if page["type"] == "group":
            asked = [_answer(instrument, answers[one["linkId"]]) for one in page["item"]]
            yield {"linkId": page["linkId"], "item": asked}


def _answer(instrument: Instrument, row: Any) -> Json:
    if row.status != "ANSWERED":
        why = {"url": ABSENT, "valueCode": WITHOUT_ANSWER[row.status]}
        return {"extension": [why], "linkId": row.item}
    item, code = instrument.item(row.item), int(row.value)
    if item.kind != "choice":
        return {"linkId": row.item, "answer": [{"valueInteger": code}]}
    system = f"urn:qol-app:codes:{instrument.code}:{item.first}-{item.last}"
    return {
        "linkId": row.item,
        "answer": [{"valueCoding": {"system": system, "code": str(code)}}],
    }


def _observation(row: Any, instrument: Instrument) -> Json:
    form = _reference("QuestionnaireResponse", f"{row.assessment}/{row.instrument}")
    resource = {
        "resourceType": "Observation",
        "identifier": [{"system": DEFINITION_HASH, "value": row.definition}],
        "status": "final" if row.submitted else "preliminary",
        "category": [{"coding": [{"system": CATEGORIES, "code": "survey"}]}],
        "code": {"coding": list(_score_codes(row, instrument))},
        "subject": _reference("Patient", row.participant),
        "derivedFrom": [form],
    }
    if _there(row.answered_on):
        resource["effectiveDateTime"] = row.answered_on.isoformat()
    return resource | _value(row)


def _score_codes(row: Any, instrument: Instrument) -> Iterator[Json]:
    for scale in instrument.scales:
        if scale.code == row.scale:
            for name in ("ncit", "loinc", "snomed"):
                if code := getattr(scale.codes, name):
                    yield {"system": SYSTEMS[name], "code": code}
    yield {"system": f"urn:qol-app:scale:{instrument.code}", "code": row.scale}


def _value(row: Any) -> Json:
    if _there(row.value_text):
        return {"valueString": row.value_text}
    if _there(row.value):
        unit = {"system": "http://unitsofmeasure.org", "code": "{score}"}
        return {"valueQuantity": {"value": row.value, "unit": "score", **unit}}
    coding = {"system": ABSENT_CODES, "code": "unknown"}
    return {"dataAbsentReason": {"coding": [coding], "text": "too few items answered"}}


def _there(value: Any) -> bool:
    return value is not None and not pd.isna(value)


def _first(*values: Any) -> Any:
    return next((one for one in values if _there(one)), None)
