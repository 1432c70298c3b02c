"""Texts from a FHIR R4 Questionnaire, in its own language or one it is translated to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir.resources.R4B.questionnaire import Questionnaire
from pydantic import ValidationError

from qol_app.definition.instrument import Instrument, Item
from qol_app.errors import DefinitionError

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
ITEM_CONTROL = "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ITEM_WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"
QUESTION_TYPES = ("choice", "open-choice", "integer", "decimal", "quantity", "boolean", "coding")

Json = Mapping[str, Any]


def texts_from_questionnaire(
    name: str, resource: Json, instrument: Instrument, language: str
) -> dict[str, Any]:
    """Return title, instruction, recall, prompts, options and ends in one language.

    An item is found by its ``linkId``, ``prefix`` or code, which must be the instrument's item
    code, its CDISC test code or its NCI code. A group's text is the recall text of its items;
    the first display text before any question is the instruction.

    Raises
    ------
    DefinitionError
        If it holds a question that is no item, an item twice, or lacks a text in this language.
    """
    reader = _Reader(name, resource, instrument, language)
    reader.read(resource.get("item", ()), recall=None)
    reader.found["title"] = reader.text(resource, "title") or instrument.title
    return reader.found


def fhir_questionnaire(name: str, resource: Any) -> dict[str, Any]:
    """Return what was read from JSON, sure to be a FHIR R4 Questionnaire, nulls left out.

    Raises
    ------
    DefinitionError
        Naming the first place that FHIR's own model refuses.
    """
    if not isinstance(resource, dict) or resource.get("resourceType") != "Questionnaire":
        kind = resource.get("resourceType") if isinstance(resource, dict) else type(resource)
        raise DefinitionError(f"{name}: found {kind!r}; wanted a FHIR Questionnaire")
    whole: dict[str, Any] = _without_nulls(resource)
    try:
        Questionnaire.model_validate(whole)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the resource"
        raise DefinitionError(f"{name}: {place}: not FHIR R4: {first['msg']!r}") from error
    except (AttributeError, TypeError) as error:
        # The models themselves stumble where an extension of a text is no object.
        raise DefinitionError(f"{name}: not FHIR R4: {error}") from error
    return whole


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


class _Reader:
    """Walks the items of one questionnaire and gathers what they say."""

    def __init__(self, name: str, resource: Json, instrument: Instrument, language: str) -> None:
        self.name, self.instrument, self.language = name, instrument, language
        self.own_language = str(resource.get("language") or language)
        self.found: dict[str, Any] = {
            "instruction": "",
            "recall": {},
            "prompts": {},
            "options": {},
            "ends": {},
        }

    def read(self, items: Sequence[Json], recall: str | None) -> None:
        for one in items:
            kind = one.get("type")
            if kind == "group":
                self.read(one.get("item", ()), self.text(one, "text") or recall)
            elif kind == "display":
                if not self.found["prompts"] and not self.found["instruction"]:
                    self.found["instruction"] = self.text(one, "text")
            elif kind in QUESTION_TYPES:
                self.question(one, recall)
                self.read([child for child in one.get("item", ()) if not _is_end(child)], recall)

    def question(self, one: Json, recall: str | None) -> None:
        item = self.item(one)
        if item is None:
            raise DefinitionError(
                f"{self.name}: extra items: question {one.get('linkId')!r} is no item of "
                f"{self.instrument.code}"
            )
        if item.code in self.found["prompts"]:
            raise DefinitionError(f"{self.name}: item {item.code}: found two questions; wanted one")
        self.found["prompts"][item.code] = self.text(one, "text")
        if item.kind == "choice":
            self.found["options"][item.code] = dict(self.options(item, one))
        ends = {control: self.text(child, "text") for control, child in _ends(one)}
        if ends:
            self.found["ends"][item.code] = {
                {"lower": "low", "upper": "high"}[control]: text for control, text in ends.items()
            }
        if recall and self.instrument.recall(item.recall).days is not None:
            self.found["recall"].setdefault(item.recall, recall)

    def item(self, one: Json) -> Item | None:
        names = {one.get("linkId"), one.get("prefix")}
        names |= {coding.get("code") for coding in one.get("code", ())}
        for item in self.instrument.items:
            if names & {item.code, item.codes.testcd, item.codes.ncit} - {None}:
                return item
        return None

    def options(self, item: Item, one: Json) -> Iterator[tuple[int, str]]:
        for option in one.get("answerOption", ()):
            coding = option.get("valueCoding") or {}
            code = option_code(coding, option)
            if code is None:
                raise DefinitionError(
                    f"{self.name}: item {item.code}: found option {coding.get('code')!r}; wanted "
                    "a whole number as code or ordinal value"
                )
            yield code, self.text(coding, "display") or str(option.get("valueInteger", code))

    def text(self, element: Json, field: str) -> str:
        if self.language == self.own_language:
            return str(element.get(field) or "")
        translated = translations(element, field)
        if field in element and self.language not in translated:
            raise DefinitionError(
                f"{self.name}: {element.get('linkId') or field}: found no text in "
                f"{self.language}; wanted one beside that in {self.own_language}"
            )
        return translated.get(self.language, "")


def option_code(coding: Json, option: Json) -> int | None:
    """Return the number an answer option stands for: its code, else its ordinal value."""
    code = coding.get("code", option.get("valueInteger"))
    if code is not None and str(code).isdecimal():
        return int(code)
    for extension in (*coding.get("extension", ()), *option.get("extension", ())):
        value = extension.get("valueDecimal")
        if extension.get("url") in (ORDINAL, ITEM_WEIGHT) and value is not None:
            return int(value) if float(value).is_integer() else None
    return None


def translations(element: Json, field: str) -> dict[str, str]:
    """Return the translations of one text element, by language."""
    found = {}
    for extension in element.get(f"_{field}", {}).get("extension", ()):
        if extension.get("url") == TRANSLATION:
            parts = {one.get("url"): one for one in extension.get("extension", ())}
            content = parts.get("content", {})
            text = content.get("valueString") or content.get("valueMarkdown")
            found[str(parts.get("lang", {}).get("valueCode"))] = str(text)
    return found


def _ends(one: Json) -> Iterator[tuple[str, Json]]:
    for child in one.get("item", ()):
        control = _control(child)
        if control in ("lower", "upper"):
            yield control, child


def _is_end(child: Json) -> bool:
    return _control(child) in ("lower", "upper")


def _control(child: Json) -> str | None:
    for extension in child.get("extension", ()):
        if extension.get("url") == ITEM_CONTROL:
            for coding in extension.get("valueCodeableConcept", {}).get("coding", ()):
                return str(coding.get("code"))
    return None
