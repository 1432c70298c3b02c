"""Languages of the pages: one folder of catalogues per language, read as they stand.

English is the language of the source. ``translations/<code>/*.po`` holds the others;
they are compiled in memory at start, so there is no build step to forget.
"""

import io
from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol

from qol_app.errors import SettingsError

FOLDER = Path(__file__).parent / "translations"
SOURCE_LANGUAGE = "en"


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of the languages that pages can be shown in."""
    return (SOURCE_LANGUAGE, *sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of one language, all its files together.

    Raises
    ------
    SettingsError
        If there is no such language.
    """
    if language not in languages():
        raise SettingsError(f"language: found {language!r}; known: {', '.join(languages())}")
    whole = NullTranslations()
    for path in sorted((FOLDER / language).glob("*.po")):
        part = _compiled(path)
        part.add_fallback(whole)
        whole = part
    return whole


def _compiled(path: Path) -> GNUTranslations:
    with path.open("rb") as source:
        catalogue = read_po(source, locale=path.parent.name)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def day(value: date, language: str) -> str:
    """Return a calendar day as people say it: ``Monday 23 November``, ``måndag 23 november``."""
    return format_date(value, "EEEE d MMMM", locale=language)


def day_and_year(value: date, language: str) -> str:
    """Return a calendar day with its year: ``23 November 2026``."""
    return format_date(value, "d MMMM y", locale=language)


def moment(value: datetime, language: str, timezone: str) -> str:
    """Return an instant as local day and hour: ``23 November 2026 14:05``."""
    return format_datetime(value, "d MMMM y HH:mm", tzinfo=ZoneInfo(timezone), locale=language)


def decimal_mark(language: str) -> str:
    """Return what stands before decimals: a point in English, a comma in Swedish."""
    return get_decimal_symbol(language)


def language_name(code: str) -> str:
    """Return what a language calls itself: ``svenska``."""
    return Locale.parse(code).get_display_name(code) or code
