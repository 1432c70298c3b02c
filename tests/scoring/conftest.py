"""Instruments as shipped, for scoring; a test about a removed one is skipped."""

from tests.definition.conftest import FOLDER, instrument, instruments

__all__ = ["FOLDER", "instrument", "instruments"]
