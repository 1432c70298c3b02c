"""Instruments as shipped; a test about one that was removed is skipped, never failed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qol_app.definition.instrument import Instrument, load_instruments
from qol_app.definition.wording import Wording, load_wordings

FOLDER = Path(__file__).parents[2] / "questionnaires" / "instruments"


@pytest.fixture(scope="session")
def instruments() -> dict[str, Instrument]:
    return load_instruments(FOLDER)


@pytest.fixture(scope="session")
def instrument(instruments) -> Callable[[str], Instrument]:
    def present(code: str) -> Instrument:
        if code not in instruments:
            pytest.skip(f"{code} is not among the instruments here")
        return instruments[code]

    return present


@pytest.fixture(scope="session")
def wording(instrument) -> Callable[[str, str], Wording]:
    loaded = {code: load_wordings(FOLDER / code) for code in load_instruments(FOLDER)}

    def present(code: str, language: str) -> Wording:
        instrument(code)
        return loaded[code][language]

    return present
