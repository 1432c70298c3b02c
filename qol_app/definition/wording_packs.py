"""Wording packs: the owner's texts, from the three kinds of file that sites are given.

A pack may be our own CSV (``template``), a FHIR R4 Questionnaire (JSON) or a REDCap data
dictionary (CSV). Whatever it is, it must name every item of the instrument and no other; all
that does not fit is said by name, and nothing is loaded in part.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qol_app.definition.fhir_texts import fhir_questionnaire, texts_from_questionnaire
from qol_app.definition.instrument import Instrument, Item
from qol_app.definition.redcap_texts import REDCAP_VARIABLE, texts_from_redcap
from qol_app.definition.wording import Wording, refuse_gaps
from qol_app.errors import DefinitionError

TEMPLATE_COLUMNS = ("part", "name", "code", "text")
# Letters that turn the direction of what follows, and other things no questionnaire holds.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_ALLOWED_HIDDEN = {"\u00ad", "\u200c", "\u200d"}


@dataclass
class Texts:
    """What a pack says, before it is held against the instrument."""

    title: str = ""
    instruction: str = ""
    recall: dict[str, str] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[int, str]] = field(default_factory=dict)
    ends: dict[str, dict[str, str]] = field(default_factory=dict)


def load_wording_pack(
    path: Path,
    instrument: Instrument,
    language: str,
    licence_reference: str,
    certificate: str | None = None,
) -> Wording:
    """Return the wording in a pack, fit for this instrument item by item.

    Parameters
    ----------
    path : Path
        ``.csv`` (our template or a REDCap data dictionary) or ``.json`` (FHIR Questionnaire).
    licence_reference : str
        The owner's permission, as it will stand in every export.
    certificate : str, optional
        The owner's certificate for this language version.

    Raises
    ------
    DefinitionError
        If the file is of no known kind, lacks items, has others, or holds unreadable text.
    """
    if not licence_reference.strip():
        raise DefinitionError(f"{path.name}: found no licence reference; wanted the owner's")
    texts = read_texts(path, instrument, language)
    wording = _wording(path.name, instrument, language, texts, licence_reference, certificate)
    try:
        refuse_gaps(instrument, wording)
    except DefinitionError as error:
        raise DefinitionError(f"{path.name}: {error}") from error
    return wording


def read_texts(path: Path, instrument: Instrument, language: str) -> Texts:
    """Return the texts of a pack of any known kind."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DefinitionError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path.name}: cannot be read as UTF-8 ({error})") from error
    readers: dict[str, Callable[[str, str, Instrument, str], Texts]] = {
        ".json": _from_fhir,
        ".csv": _from_csv,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DefinitionError(f"{path.name}: found ending {path.suffix!r}; wanted .csv or .json")
    return reader(path.name, content, instrument, language)


def template(instrument: Instrument) -> str:
    """Return the CSV to fill in: one row for each text that this instrument needs.

    The last column is empty; everything before it must stay as it is.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TEMPLATE_COLUMNS)
    for part, name, code in _wanted(instrument):
        writer.writerow([part, name, code, ""])
    return out.getvalue()


def _wanted(instrument: Instrument) -> Iterator[tuple[str, str, str]]:
    yield "title", "", ""
    yield "instruction", "", ""
    for recall in instrument.recalls:
        if recall.days is not None:
            yield "recall", recall.code, ""
    for item in instrument.items:
        yield "prompt", item.code, ""
        if item.kind == "choice":
            for code in item.allowed:
                yield "option", item.code, str(code)
        else:
            yield "low", item.code, ""
            yield "high", item.code, ""


def _from_csv(name: str, content: str, instrument: Instrument, language: str) -> Texts:
    try:
        rows = list(csv.DictReader(io.StringIO(content)))
    except csv.Error as error:
        raise DefinitionError(f"{name}: cannot be read as CSV ({error})") from error
    columns = tuple(rows[0]) if rows else ()
    if REDCAP_VARIABLE in columns or "field_name" in columns:
        found = texts_from_redcap(name, rows, instrument)
        return Texts(**found)
    if columns != TEMPLATE_COLUMNS:
        raise DefinitionError(
            f"{name}: found columns {', '.join(map(str, columns)) or 'none'}; wanted "
            f"{', '.join(TEMPLATE_COLUMNS)}, or those of a REDCap data dictionary"
        )
    return _from_template(name, rows, instrument)


def _from_template(name: str, rows: list[dict[str, str]], instrument: Instrument) -> Texts:
    texts, wanted, seen = Texts(), set(_wanted(instrument)), set()
    for number, row in enumerate(rows, start=1):
        key = (row["part"] or "", row["name"] or "", row["code"] or "")
        text = (row["text"] or "").strip()
        where = f"{name}: row {number} ({' '.join(' '.join(key).split())})"
        ends = key[0] in ("low", "high") and key[1] in instrument.items_by_code
        if key not in wanted and not ends:
            raise DefinitionError(f"{where}: found an extra row; wanted those of the template")
        if key in seen:
            raise DefinitionError(f"{where}: found twice; wanted once")
        seen.add(key)
        # A row of numbers without labels of their own has texts at its ends instead.
        if not text and key[0] not in ("option", "low", "high"):
            raise DefinitionError(f"{where}: found no text; wanted one")
        if text:
            _take(texts, key, text)
    missing = [" ".join(filter(None, key)) for key in _wanted(instrument) if key not in seen]
    if missing:
        raise DefinitionError(f"{name}: missing rows: {', '.join(missing[:10])}")
    return texts


def _take(texts: Texts, key: tuple[str, str, str], text: str) -> None:
    part, name, code = key
    if part in ("title", "instruction"):
        setattr(texts, part, text)
    elif part == "recall":
        texts.recall[name] = text
    elif part == "prompt":
        texts.prompts[name] = text
    elif part == "option":
        texts.options.setdefault(name, {})[int(code)] = text
    else:
        texts.ends.setdefault(name, {})[part] = text


def _from_fhir(name: str, content: str, instrument: Instrument, language: str) -> Texts:
    try:
        resource = json.loads(content)
    except ValueError as error:
        raise DefinitionError(f"{name}: not JSON ({error})") from error
    resource = fhir_questionnaire(name, resource)
    return Texts(**texts_from_questionnaire(name, resource, instrument, language))


def _wording(
    name: str,
    instrument: Instrument,
    language: str,
    texts: Texts,
    licence_reference: str,
    certificate: str | None,
) -> Wording:
    if not texts.prompts:
        raise DefinitionError(f"{name}: found no question; wanted {len(instrument.items)}")
    items = {
        code: _item_text(instrument.items_by_code.get(code), texts, code) for code in texts.prompts
    }
    content: Mapping[str, Any] = {
        "instrument": instrument.code,
        "language": language,
        "stand_in": False,
        "title": texts.title or instrument.title,
        "instruction": texts.instruction or texts.title or instrument.title,
        "licence_reference": licence_reference,
        "certificate": certificate,
        "recall": texts.recall,
        "items": items,
    }
    try:
        return Wording.model_validate(_clean(name, content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DefinitionError(f"{name}: {place}: {first['msg']}") from error


def _item_text(item: Item | None, texts: Texts, code: str) -> dict[str, Any]:
    ends = texts.ends.get(code, {})
    options = texts.options.get(code, {})
    if ends and item is not None and options == {one: str(one) for one in item.allowed}:
        options = {}  # Bare numbers say nothing that the ends do not.
    return {"prompt": texts.prompts[code], "options": options, **ends}


def _clean(name: str, value: Any) -> Any:
    """Return the same content in Unicode's composed form; refuse what cannot be seen."""
    if isinstance(value, dict):
        return {key: _clean(name, one) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    text = " ".join(unicodedata.normalize("NFC", value).split())
    for letter in text:
        if unicodedata.category(letter) in _HIDDEN and letter not in _ALLOWED_HIDDEN:
            raise DefinitionError(
                f"{name}: found the invisible character U+{ord(letter):04X} in {ascii(text)[:60]}; "
                "wanted plain text"
            )
    return text
