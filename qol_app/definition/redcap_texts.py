"""Texts from a REDCap data dictionary: the CSV that a REDCap project exports of its forms."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from qol_app.definition.instrument import Instrument
from qol_app.errors import DefinitionError

REDCAP_VARIABLE = "Variable / Field Name"
# The dictionary's heading for each name that REDCap's interface for programs uses.
_HEADINGS = {
    "field_name": REDCAP_VARIABLE,
    "form_name": "Form Name",
    "section_header": "Section Header",
    "field_type": "Field Type",
    "field_label": "Field Label",
    "select_choices_or_calculations": "Choices, Calculations, OR Slider Labels",
}
_ANSWERED = ("radio", "dropdown", "slider", "yesno", "truefalse", "checkbox")
_TAG = re.compile(r"<[^>]*>")


def texts_from_redcap(
    name: str, rows: Sequence[Mapping[str, str]], instrument: Instrument
) -> dict[str, Any]:
    """Return title, instruction, recall, prompts, options and ends found in a dictionary.

    A field is an item when its variable is the item's code, or ends in it after an underscore
    (``base_q1``). The first descriptive field before the items is the instruction; a section
    header is the recall text of the items below it.

    Raises
    ------
    DefinitionError
        If a field to answer is no item of the instrument, or an item appears twice.
    """
    found: dict[str, Any] = {
        "instruction": "",
        "recall": {},
        "prompts": {},
        "options": {},
        "ends": {},
    }
    header = ""
    for row in (_named(one) for one in rows):
        header = _plain(row["section_header"]) or header
        kind = row["field_type"].strip().lower()
        if kind == "descriptive" and not found["prompts"] and not found["instruction"]:
            found["instruction"] = _plain(row["field_label"])
        code = _item_code(row["field_name"], instrument)
        if code is None:
            if kind in _ANSWERED:
                raise DefinitionError(
                    f"{name}: extra items: field {row['field_name']!r} is no item of "
                    f"{instrument.code}; wanted {instrument.item_codes[0]}, ... "
                    f"{instrument.item_codes[-1]}"
                )
            continue
        if code in found["prompts"]:
            raise DefinitionError(f"{name}: item {code}: found two fields; wanted one")
        found["prompts"][code] = _plain(row["field_label"])
        _take_choices(name, code, kind, row["select_choices_or_calculations"], found)
        recall = instrument.item(code).recall
        if header and instrument.recall(recall).days is not None:
            found["recall"].setdefault(recall, header)
    return found


def _named(row: Mapping[str, str]) -> dict[str, str]:
    return {key: row.get(key) or row.get(heading) or "" for key, heading in _HEADINGS.items()}


def _item_code(variable: str, instrument: Instrument) -> str | None:
    name = variable.strip().casefold()
    fitting = [
        code
        for code in instrument.item_codes
        if name == code.casefold() or name.endswith(f"_{code.casefold()}")
    ]
    return max(fitting, key=len, default=None)


def _take_choices(name: str, code: str, kind: str, choices: str, found: dict[str, Any]) -> None:
    parts = [one.strip() for one in choices.split("|") if one.strip()]
    if kind == "slider":
        found["ends"][code] = {"low": _plain(parts[0]), "high": _plain(parts[-1])} if parts else {}
        return
    if kind == "text":
        return
    if kind in ("yesno", "truefalse"):
        raise DefinitionError(
            f"{name}: item {code}: found a {kind} field, whose labels REDCap keeps to itself; "
            "wanted radio with choices such as '0, ... | 1, ...'"
        )
    options = {}
    for part in parts:
        number, comma, label = part.partition(",")
        if not comma or not number.strip().isdecimal():
            raise DefinitionError(
                f"{name}: item {code}: found choice {part!r}; wanted 'number, label'"
            )
        options[int(number)] = _plain(label)
    found["options"][code] = options


def _plain(text: str) -> str:
    """Return a label without the HTML that REDCap allows in it."""
    return " ".join(html.unescape(_TAG.sub(" ", text or "")).split())
