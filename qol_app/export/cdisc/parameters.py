"""PARAMCD and PARAM of every score: up to eight capitals, each once in the study."""

import re
from dataclasses import dataclass

from qol_app.definition.instrument import Instrument
from qol_app.definition.parts import in_language
from qol_app.definition.scales import IndexScale
from qol_app.export.study import Study

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,7}")
# Letters of the definitions of deterioration in PARAMCD: TDFQL is TTD, first, of QL.
DEFINITION_LETTERS = {
    "first": "F",
    "confirmed": "C",
    "confirmed_lenient": "L",
    "tudd1": "1",
    "tudd2": "2",
    "tudd3": "3",
}


@dataclass(frozen=True)
class Parameter:
    """One score column as ADaM names it."""

    code: str
    label: str
    category: str
    kind: str


def score_parameters(study: Study) -> dict[tuple[str, str], Parameter]:
    """Return the parameter of each (instrument, score column); texts have none."""
    found: dict[tuple[str, str], Parameter] = {}
    taken: set[str] = set()
    for instrument in sorted(study.newest_instruments().values(), key=lambda one: one.code):
        for column, code, label, kind in _columns(instrument):
            unique = _unique(code, taken)
            taken.add(unique)
            category = instrument.codes.qscat or instrument.title.upper()
            found[instrument.code, column] = Parameter(unique, label, category, kind)
    return found


def _columns(instrument: Instrument) -> list[tuple[str, str, str, str]]:
    columns = []
    for scale in instrument.scales:
        title = f"{instrument.title}: {in_language(scale.title, 'en')}"
        kind = scale.direction.value.upper().replace("_", " ")
        if isinstance(scale, IndexScale):
            for number, one in enumerate(instrument.value_sets, start=1):
                name = f"{scale.code}_{one.code}"
                columns.append((name, f"EQIDX{number:02d}", f"{title}, value set {one.code}", kind))
        elif scale.rule != "profile":
            columns.append((scale.code, scale.codes.paramcd or scale.code, title, kind))
    return columns


def _unique(code: str, taken: set[str]) -> str:
    made = re.sub(r"[^A-Z0-9_]", "", code.upper())[:8]
    if not _CODE.fullmatch(made):
        made = f"P{made}"[:8]
    number = 1
    candidate = made
    while candidate in taken:
        number += 1
        candidate = f"{made[: 8 - len(str(number))]}{number}"
    return candidate


def event_parameter(endpoint: str, scale: str, definition: str) -> str:
    """Return PARAMCD of a time to event."""
    if endpoint != "TTD":
        return endpoint
    return f"TD{DEFINITION_LETTERS[definition]}{re.sub(r'[^A-Z0-9]', '', scale.upper())}"[:8]
