"""Days on which a channel rests: weekends and public holidays."""

from datetime import date
from functools import lru_cache

import holidays

from qol_app.definition.protocol import ContactRules

SATURDAY = 5


def may_use(rules: ContactRules, channel: str, day: date) -> bool:
    """Return whether a channel may be used on a local day; one without rules always may."""
    rule = rules.channels.get(channel)
    if rule is None:
        return True
    if not rule.weekends and day.weekday() >= SATURDAY:
        return False
    return rule.holidays or not is_holiday(rules.holiday_country, day)


def is_holiday(country: str | None, day: date) -> bool:
    """Return whether a day is a holiday in a country (ISO 3166 code); never without a country.

    Days that are free by custom count too, such as Midsummer Eve in Sweden.

    Source
    ------
    The ``holidays`` package, categories public and de facto.
    """
    return country is not None and day in _holidays(country, day.year)


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    supported = holidays.country_holidays(country).supported_categories
    wanted = tuple(one for one in ("public", "de_facto") if one in supported)
    return frozenset(holidays.country_holidays(country, years=year, categories=wanted))
