"""QSTESTCD and QSTEST of every item: CDISC's code where there is one, a neutral label.

CDISC's labels stand close to the licensed wording and are not shipped; ours name the
instrument and the item's code.
"""

import re
from functools import cache

from qol_app.definition.instrument import Instrument, Item
from qol_app.errors import DataFileError

MOST_LABEL = 40
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,7}")


@cache
def question_codes(instrument: Instrument) -> dict[str, str]:
    """Return QSTESTCD by item code.

    Raises
    ------
    DataFileError
        If two items of an instrument would have the same one.
    """
    codes = {item.code: _code(instrument, item) for item in instrument.items}
    if len(set(codes.values())) < len(codes):
        raise DataFileError(f"{instrument.code}: found two items of one QSTESTCD; wanted each once")
    return codes


def _code(instrument: Instrument, item: Item) -> str:
    given = item.codes.testcd
    if given and _CODE.fullmatch(given):
        return given
    # CDISC has none: letters and number of the instrument, and the item's place on the form.
    name = re.sub(r"[^A-Z0-9]", "", instrument.code.upper())
    return f"{name[:3]}{name[-2:]}{instrument.item_codes.index(item.code) + 1:03d}"


def question_label(instrument: Instrument, item_code: str) -> str:
    """Return QSTEST: the instrument and the item's code, at most 40 characters."""
    room = MOST_LABEL - len(item_code) - 1
    return f"{instrument.title[:room]} {item_code}"


def whole_label(instrument: Instrument) -> str:
    """Return QSTEST of a questionnaire as a whole."""
    return question_label(instrument, "(whole)")
