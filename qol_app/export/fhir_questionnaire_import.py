"""From a FHIR R4 Questionnaire back to a definition and its wordings."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from qol_app.definition.fhir_texts import (
    ITEM_CONTROL,
    fhir_questionnaire,
    option_code,
    texts_from_questionnaire,
    translations,
)
from qol_app.definition.instrument import Instrument
from qol_app.definition.wording import Wording, refuse_gaps
from qol_app.errors import DefinitionError
from qol_app.export.fhir_questionnaire import (
    DEFINITION_HASH,
    LIBRARY_ID,
    MAX_VALUE,
    MIN_VALUE,
    OWN,
    SYSTEMS,
    Json,
)
from qol_app.export.fhir_questionnaire_checks import questionnaire_problems


def from_questionnaire(resource: Json) -> tuple[Instrument, dict[str, Wording]]:
    """Return the instrument and its wordings by language.

    Items, codes, conditions and texts are read from the Questionnaire itself; scales and the
    rest from its contained Library.

    Raises
    ------
    DefinitionError
        If the resource breaks a rule of FHIR or of ours, has no Library, or its content is not
        the definition that its hash names.
    """
    resource = fhir_questionnaire("Questionnaire", resource)
    problems = questionnaire_problems(resource)
    if problems:
        raise DefinitionError(f"Questionnaire: {problems[0]} ({len(problems)} problems)")
    rest, texts = _library(resource)
    items = [_item(one) for one in _questions(resource.get("item", ()))]
    instrument = _model(Instrument, {**rest, "items": items})
    _refuse_other_content(resource, instrument)
    wordings = {
        language: _wording(resource, instrument, language, more) for language, more in texts.items()
    }
    return instrument, dict(
        sorted(wordings.items(), key=lambda one: one[0] != resource.get("language"))
    )


def _library(resource: Json) -> tuple[Json, dict[str, Json]]:
    """Return what the Questionnaire itself cannot say: of the instrument, and by language."""
    for contained in resource.get("contained", ()):
        if contained.get("id") == LIBRARY_ID:
            try:
                content = json.loads(base64.b64decode(contained["content"][0]["data"]))
                return dict(content["instrument"]), dict(content["wordings"])
            except (LookupError, TypeError, ValueError) as error:
                raise DefinitionError(
                    f"Questionnaire: contained Library {LIBRARY_ID!r}: found nothing readable "
                    f"({error!r}); wanted it as 'flask fhir questionnaire' writes it"
                ) from error
    raise DefinitionError(
        f"Questionnaire: found no contained Library {LIBRARY_ID!r}; wanted the scales and sources "
        "in it (texts alone are taken in by 'flask wording load')"
    )


def _refuse_other_content(resource: Json, instrument: Instrument) -> None:
    hashes = [
        one.get("value")
        for one in resource.get("identifier", ())
        if one.get("system") == DEFINITION_HASH
    ]
    if hashes and hashes[0] != instrument.sha256:
        raise DefinitionError(
            f"Questionnaire {instrument.code}: found content with hash {instrument.sha256[:12]}; "
            f"wanted {str(hashes[0])[:12]}, which its identifier names"
        )


def _questions(items: Any) -> Iterator[Json]:
    for one in items:
        if one["type"] == "group":
            yield from _questions(one.get("item", ()))
        elif one["type"] != "display":
            yield one


def _item(one: Json) -> Json:
    extensions = {extension.get("url"): extension for extension in one.get("extension", ())}
    own = {
        field: extensions[f"{OWN}item-{field}"].get("valueString")
        for field in ("recall", "group", "recode")
        if f"{OWN}item-{field}" in extensions
    }
    names = {system: name for name, system in SYSTEMS.items()}
    # Codes of other systems are somebody else's; a lost one of ours shows in the hash.
    codes = {
        names[code["system"]]: code.get("code")
        for code in one.get("code", ())
        if code.get("system") in names
    }
    return {
        "code": one["linkId"],
        **_answers(one, extensions),
        **own,
        "sensitive": f"{OWN}item-sensitive" in extensions,
        "asked_if": _condition(one),
        "codes": codes,
    }


def _answers(one: Json, extensions: Mapping[str, Json]) -> Json:
    if one["type"] == "choice":
        codes = [
            option_code(option.get("valueCoding", {}), option) for option in one["answerOption"]
        ]
        return {"kind": "choice", "first": codes[0], "last": codes[-1]}
    slider = any(
        coding.get("code") == "slider"
        for coding in extensions.get(ITEM_CONTROL, {})
        .get("valueCodeableConcept", {})
        .get("coding", ())
    )
    return {
        "kind": "vas" if slider else "number",
        "first": extensions.get(MIN_VALUE, {}).get("valueInteger"),
        "last": extensions.get(MAX_VALUE, {}).get("valueInteger"),
    }


def _condition(one: Json) -> Json | None:
    rules = one.get("enableWhen", ())
    if not rules:
        return None
    if rules[0]["operator"] == ">":
        return {"item": rules[0]["question"], "over": rules[0].get("answerInteger")}
    codes = [str(rule.get("answerCoding", {}).get("code")) for rule in rules]
    if not all(code.isdecimal() for code in codes):
        raise DefinitionError(
            f"Questionnaire: {one['linkId']}: found a condition on {', '.join(codes)}; wanted "
            "whole numbers as codes of the answers"
        )
    return {"item": rules[0]["question"], "over": min(map(int, codes)) - 1}


def _wording(resource: Json, instrument: Instrument, language: str, more: Json) -> Wording:
    texts = texts_from_questionnaire("Questionnaire", resource, instrument, language)
    bare = {item.code: {code: str(code) for code in item.allowed} for item in instrument.items}
    items = {}
    for code, prompt in texts["prompts"].items():
        ends, options = texts["ends"].get(code, {}), texts["options"].get(code, {})
        plain = bool(ends) and options == bare[code]
        items[code] = {"prompt": prompt, "options": {} if plain else options, **ends}
    title = resource.get("title") if language == resource.get("language") else None
    content = {
        **more,
        "instrument": instrument.code,
        "language": language,
        "title": title or translations(resource, "title").get(language),
        "instruction": texts["instruction"],
        "items": items,
    }
    wording = _model(Wording, content)
    refuse_gaps(instrument, wording)
    return wording


def _model(model: Any, content: Json) -> Any:
    try:
        return model.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or model.__name__
        raise DefinitionError(f"Questionnaire: {place}: {first['msg']}") from error
