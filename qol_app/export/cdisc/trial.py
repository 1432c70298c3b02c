"""What SDTM and ADaM rows share: identifiers, visit numbers and study days of one trial."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from babel.core import get_global

from qol_app.definition.instrument import Instrument
from qol_app.definition.protocol import Protocol, Timepoint
from qol_app.errors import DefinitionError
from qol_app.export.study import Study


@dataclass(frozen=True)
class Trial:
    """The study in CDISC's words.

    ``start`` maps a participant to the day of randomisation, from which study days count.
    """

    study: Study
    start: Mapping[str, date]

    @property
    def protocol(self) -> Protocol:
        """The protocol in force."""
        return self.study.protocol

    @property
    def id(self) -> str:
        """The protocol's code in capitals: STUDYID."""
        return self.protocol.code.upper()

    def subject(self, participant: str) -> str:
        """Return USUBJID."""
        return f"{self.id}-{participant}"

    def day(self, participant: str, on: Any) -> int | None:
        """Return the study day of a date; there is no day 0."""
        start = self.start.get(participant)
        if start is None or pd.isna(on):
            return None
        days = (on - start).days
        return days + 1 if days >= 0 else days

    def local(self, site: str, instant: Any) -> pd.Timestamp | None:
        """Return an instant as the site's clock showed it."""
        if pd.isna(instant):
            return None
        try:
            zone = ZoneInfo(self.protocol.zone_name(site))
        except DefinitionError:
            # A site of an earlier protocol version.
            zone = ZoneInfo(self.protocol.timezone)
        return instant.tz_convert(zone)

    @cached_property
    def country(self) -> str | None:
        """The three-letter code of the country whose public holidays the protocol names."""
        two = self.protocol.contact.holiday_country
        known = get_global("territory_aliases").items()
        three = [code for code, found in known if found == [two] and len(code) == 3]
        return next((code for code in sorted(three) if code.isalpha()), None)

    @cached_property
    def _places(self) -> dict[str, int]:
        codes = [one.code for one in self.protocol.timepoints]
        return {code: place for place, code in enumerate(codes, start=1)}

    @cached_property
    def _timepoints(self) -> dict[str, Timepoint]:
        return {one.code: one for one in self.protocol.timepoints}

    def visit_number(self, timepoint: str, occurrence: int) -> float:
        """Return VISITNUM: place in the protocol, hundredths for the second and later ones."""
        # Timepoints of an earlier version come behind those in force.
        place = self._places.get(timepoint, len(self._places) + 1)
        return round(place + (occurrence - 1) / 100, 2)

    def visit_name(self, timepoint: str, occurrence: int) -> str:
        """Return VISIT."""
        return timepoint if occurrence == 1 else f"{timepoint} {int(occurrence)}"

    def planned_day(self, timepoint: str) -> int | None:
        """Return VISITDY, for timepoints counted from randomisation and asked once."""
        point = self._timepoints.get(timepoint)
        if point is None or point.anchor != "randomisation" or point.each or point.repeat:
            return None
        return point.day + 1 if point.day >= 0 else point.day

    def category(self, instrument: Instrument) -> str:
        """Return QSCAT: CDISC's category, or the title in capitals where there is none."""
        return instrument.codes.qscat or instrument.title.upper()


def iso(on: Any) -> str | None:
    """Return a date in ISO 8601, or None."""
    return None if pd.isna(on) else on.isoformat()


def iso_second(at: pd.Timestamp | None) -> str | None:
    """Return a local instant in ISO 8601 to the second, or None."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S")
