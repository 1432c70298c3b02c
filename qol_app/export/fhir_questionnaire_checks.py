"""What FHIR's models cannot see in a Questionnaire: references, order and doubled answers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from qol_app.definition.fhir_texts import QUESTION_TYPES, TRANSLATION, option_code

Json = dict[str, Any]


def questionnaire_problems(resource: Json) -> list[str]:
    """Return sentences about what is wrong; none for a Questionnaire this program can take in.

    They stand in for FHIR's invariants que-1 to que-13 as far as they touch what we use.
    """
    if resource.get("resourceType") != "Questionnaire":
        return [f"resourceType: found {resource.get('resourceType')!r}; wanted 'Questionnaire'"]
    items = list(_walk(resource.get("item", ())))
    found = [
        f"linkId {link!r}: found {times} times; wanted it once (que-2)"
        for link, times in Counter(item.get("linkId") for item in items).items()
        if times > 1 or not link
    ]
    earlier: dict[str, Json] = {}
    for item in items:
        found += _item_problems(item, earlier)
        earlier[str(item.get("linkId"))] = item
    return found + list(_language_gaps(items))


def _walk(items: Sequence[Json]) -> Iterator[Json]:
    for item in items:
        yield item
        yield from _walk(item.get("item", ()))


def _item_problems(item: Json, earlier: dict[str, Json]) -> Iterator[str]:
    link, kind = item.get("linkId"), item.get("type")
    options = item.get("answerOption", [])
    if kind == "group" and not item.get("item"):
        yield f"{link}: found a group without items (que-1)"
    if kind == "display" and (item.get("code") or item.get("required") or options):
        yield f"{link}: found codes or answers on a display (que-3, que-6)"
    if kind in ("group", "display") and options:
        yield f"{link}: found answers on a {kind} (que-5)"
    if kind == "choice":
        yield from _option_problems(link, options)
    elif kind not in (*QUESTION_TYPES, "group", "display"):
        yield f"{link}: found type {kind!r}; wanted group, display, choice or integer"
    rules = item.get("enableWhen", [])
    if len(rules) > 1 and "enableBehavior" not in item:
        yield f"{link}: found several conditions and no enableBehavior (que-12)"
    for rule in rules:
        yield from _rule_problems(link, rule, earlier)


def _option_problems(link: object, options: Sequence[Json]) -> Iterator[str]:
    if not options:
        yield f"{link}: found no answers; wanted answerOption"
    codes = [option_code(option.get("valueCoding", {}), option) for option in options]
    if None in codes:
        yield f"{link}: found an answer without a whole number as code or ordinal value"
    elif codes and codes != list(range(int(codes[0] or 0), int(codes[0] or 0) + len(codes))):
        yield f"{link}: found codes {codes}; wanted whole numbers one after the other"


def _rule_problems(link: object, rule: Json, earlier: dict[str, Json]) -> Iterator[str]:
    question = str(rule.get("question"))
    if question not in earlier:
        yield f"{link}: found a condition on {question!r}; wanted an earlier item"
        return
    if not any(key.startswith("answer") for key in rule):
        yield f"{link}: found a condition without an answer (que-7)"
    coding = rule.get("answerCoding")
    if coding is not None:
        options = earlier[question].get("answerOption", ())
        known = {option.get("valueCoding", {}).get("code") for option in options}
        if coding.get("code") not in known:
            yield f"{link}: found a condition on answer {coding.get('code')!r} of {question}"


def _language_gaps(items: Sequence[Json]) -> Iterator[str]:
    """Yield items that lack a language which another item has."""
    texts = [
        (str(item.get("linkId")), _languages(item, "text")) for item in items if "text" in item
    ]
    every = set().union(*(languages for _, languages in texts)) if texts else set()
    for link, languages in texts:
        missing = every - languages
        if missing:
            yield f"{link}: found no text in {', '.join(sorted(missing))}"


def _languages(item: Json, field: str) -> set[str]:
    return {
        str(part.get("valueCode"))
        for extension in item.get(f"_{field}", {}).get("extension", ())
        if extension.get("url") == TRANSLATION
        for part in extension.get("extension", ())
        if part.get("url") == "lang"
    }
