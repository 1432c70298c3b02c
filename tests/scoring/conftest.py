"""Instruments as shipped, for scoring; a test about a removed one is skipped."""

from collections.abc import Callable

import pytest

from qol_app.definition.instrument import Instrument, load_instruments
from qol_app.settings import ROOT

FOLDER = ROOT / "questionnaires" / "instruments"


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
