"""An instrument as a FHIR R4 Questionnaire: one group per page, texts in every language.

Structure and texts are said in FHIR's own words, so that any renderer can show the form. What
FHIR has no words for (scales, value sets, licence) travels in a contained Library, so that
``fhir_questionnaire_import`` gives back the same definition to the last digit of its hash.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from qol_app.definition.fhir_texts import ITEM_CONTROL, ORDINAL, TRANSLATION
from qol_app.definition.instrument import Instrument, Item
from qol_app.definition.wording import ItemText, Wording, refuse_gaps
from qol_app.errors import DefinitionError

Json = dict[str, Any]
# Ours; a URN, because nobody can promise that an address will answer for as long as forms live.
OWN = "urn:qol-app:fhir:"
DEFINITION_HASH = "urn:qol-app:definition-sha256"
LIBRARY_ID = "definition"
SYSTEMS = {
    "ncit": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "testcd": "urn:qol-app:cdisc-testcd",
}
MIN_VALUE = "http://hl7.org/fhir/StructureDefinition/minValue"
MAX_VALUE = "http://hl7.org/fhir/StructureDefinition/maxValue"
SLIDER_STEP = "http://hl7.org/fhir/StructureDefinition/questionnaire-sliderStepValue"
CONTROLS = "http://hl7.org/fhir/questionnaire-item-control"


def questionnaire(instrument: Instrument, wordings: Mapping[str, Wording]) -> Json:
    """Return the instrument with its texts as a Questionnaire, ready for ``json.dumps``.

    Parameters
    ----------
    wordings : mapping of language to Wording
        The first language is the resource's own, the others are translations in it.

    Raises
    ------
    DefinitionError
        If there is no wording, or one does not fit the instrument.
    """
    if not wordings:
        raise DefinitionError(f"{instrument.code}: found no wording; wanted one language or more")
    for wording in wordings.values():
        refuse_gaps(instrument, wording)
    return _Builder(instrument, list(wordings.values())).resource()


class _Builder:
    """Says one instrument in FHIR; the first wording is the resource's own language."""

    def __init__(self, instrument: Instrument, wordings: Sequence[Wording]) -> None:
        self.instrument, self.wordings = instrument, wordings
        self.first = wordings[0]

    def resource(self) -> Json:
        one = self.instrument
        stand_in = any(wording.stand_in for wording in self.wordings)
        return {
            "resourceType": "Questionnaire",
            "id": f"{one.code}-{one.sha256[:12]}",
            "language": self.first.language,
            "contained": [self.library()],
            "extension": [{"url": f"{OWN}definition", "valueReference": _reference()}],
            "url": f"urn:qol-app:instrument:{one.code}",
            "identifier": [{"system": DEFINITION_HASH, "value": one.sha256}],
            "version": one.version,
            "name": _computable_name(one.title),
            **self.said("title", lambda wording: wording.title),
            "status": "draft" if stand_in else "active",
            "experimental": stand_in,
            "subjectType": ["Patient"],
            "copyright": f"{one.licence.holder}. {one.licence.terms.get('en', '')}".strip(),
            **self.codes(one.codes),
            "item": [self.instruction(), *self.pages()],
        }

    def said(self, field: str, text: Any) -> Json:
        """Return a text element with its translations."""
        element: Json = {field: text(self.first)}
        others = [
            {
                "url": TRANSLATION,
                "extension": [
                    {"url": "lang", "valueCode": wording.language},
                    {"url": "content", "valueString": text(wording)},
                ],
            }
            for wording in self.wordings[1:]
        ]
        return {**element, f"_{field}": {"extension": others}} if others else element

    def codes(self, codes: Any) -> Json:
        found = [
            {"system": system, "code": getattr(codes, name)}
            for name, system in SYSTEMS.items()
            if getattr(codes, name, None)
        ]
        return {"code": found} if found else {}

    def instruction(self) -> Json:
        text = self.said("text", lambda wording: wording.instruction)
        return {"linkId": "instruction", **text, "type": "display"}

    def pages(self) -> Iterator[Json]:
        """Yield one group for each run of items with the same recall period and group."""
        runs = groupby(self.instrument.items, key=lambda item: (item.recall, item.group))
        for number, ((recall, _), items) in enumerate(runs, start=1):
            text = {}
            if recall in self.first.recall:
                text = self.said("text", lambda wording, recall=recall: wording.recall[recall])
            yield {
                "linkId": f"page-{number}",
                **text,
                "type": "group",
                "item": [self.question(item) for item in items],
            }

    def question(self, item: Item) -> Json:
        kind = {"choice": "choice", "vas": "integer", "number": "integer"}[item.kind]
        children = list(self.ends(item))
        return {
            "extension": [*_own_extensions(item), *_control_extensions(item)],
            "linkId": item.code,
            **self.codes(item.codes),
            **self.said("text", lambda wording: wording.items[item.code].prompt),
            "type": kind,
            **self.enable_when(item),
            "required": False,
            **({"answerOption": list(self.options(item))} if kind == "choice" else {}),
            **({"item": children} if children else {}),
        }

    def options(self, item: Item) -> Iterator[Json]:
        for code in item.allowed:
            label = self.said(
                "display", lambda wording, code=code: _label(wording.items[item.code], code)
            )
            yield {
                "valueCoding": {
                    "extension": [{"url": ORDINAL, "valueDecimal": code}],
                    "system": self.system(item),
                    "code": str(code),
                    **label,
                }
            }

    def system(self, item: Item) -> str:
        return f"urn:qol-app:codes:{self.instrument.code}:{item.first}-{item.last}"

    def enable_when(self, item: Item) -> Json:
        """Say "over this code" as "one of these", since FHIR knows no order of codings."""
        condition = item.asked_if
        if condition is None:
            return {}
        parent = self.instrument.item(condition.item)
        over = [code for code in parent.allowed if code > condition.over]
        if parent.kind != "choice":
            answer: Json = {"operator": ">", "answerInteger": condition.over}
            return {"enableWhen": [{"question": parent.code, **answer}]}
        return {
            "enableWhen": [
                {
                    "question": parent.code,
                    "operator": "=",
                    "answerCoding": {"system": self.system(parent), "code": str(code)},
                }
                for code in over
            ],
            "enableBehavior": "any",
        }

    def ends(self, item: Item) -> Iterator[Json]:
        for field, control in (("low", "lower"), ("high", "upper")):
            if getattr(self.first.items[item.code], field):
                yield {
                    "extension": [_control(control)],
                    "linkId": f"{item.code}-{control}",
                    **self.said(
                        "text",
                        lambda wording, field=field: getattr(wording.items[item.code], field) or "",
                    ),
                    "type": "display",
                }

    def library(self) -> Json:
        """Return what FHIR has no words for: all of the definition but its items."""
        rest = self.instrument.model_dump(mode="json", exclude_defaults=True, exclude={"items"})
        content = {
            "instrument": rest,
            "wordings": {
                wording.language: wording.model_dump(
                    mode="json",
                    include={"stand_in", "licence_reference", "certificate", "recall"},
                )
                for wording in self.wordings
            },
        }
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        return {
            "resourceType": "Library",
            "id": LIBRARY_ID,
            "status": "active",
            "type": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/library-type",
                        "code": "logic-library",
                    }
                ]
            },
            "content": [
                {
                    "contentType": "application/json",
                    "data": base64.b64encode(text.encode("utf-8")).decode("ascii"),
                }
            ],
        }


def _own_extensions(item: Item) -> Iterator[Json]:
    for field in ("recall", "group", "recode"):
        if getattr(item, field) is not None:
            yield {"url": f"{OWN}item-{field}", "valueString": getattr(item, field)}
    if item.sensitive:
        yield {"url": f"{OWN}item-sensitive", "valueBoolean": True}


def _control_extensions(item: Item) -> Iterator[Json]:
    if item.kind == "choice":
        yield _control("radio-button")
        return
    yield {"url": MIN_VALUE, "valueInteger": item.first}
    yield {"url": MAX_VALUE, "valueInteger": item.last}
    if item.kind == "vas":
        yield {"url": SLIDER_STEP, "valueInteger": 1}
        yield _control("slider")


def _control(code: str) -> Json:
    coding = {"system": CONTROLS, "code": code}
    return {"url": ITEM_CONTROL, "valueCodeableConcept": {"coding": [coding]}}


def _label(text: ItemText, code: int) -> str:
    return text.options.get(code, str(code))


def _reference() -> Json:
    return {"reference": f"#{LIBRARY_ID}"}


def _computable_name(title: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_")
    return name if name[0].isalpha() else f"Q_{name}"
