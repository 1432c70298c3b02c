"""What every format is told besides the rows: whose data, asked how, as of when."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol as Shape

import pyarrow as pa

from qol_app.definition.instrument import Instrument
from qol_app.definition.protocol import Protocol, Timepoint

# One pyarrow table per name of ``columns.TABLES``, holding whole participants.
Part = Mapping[str, pa.Table]


# What a trial's days are counted from.
ANCHOR = "randomisation"


def planned_timepoints(protocol: Protocol) -> tuple[Timepoint, ...]:
    """Return the timepoints that hang on randomisation alone, in the protocol's order.

    Those that hang on an event are answered when something has gone wrong: in a course over
    time they would make it look worse for whom the event befell.
    """
    return tuple(
        one
        for one in protocol.timepoints
        if one.enabled and one.anchor == ANCHOR and not one.each and not one.repeat
    )


@dataclass(frozen=True)
class DefinitionUsed:
    """One frozen definition that rows of this export were asked or planned by."""

    kind: str
    code: str
    language: str
    version: str
    sha256: str
    stand_in: bool = False
    licence_reference: str = ""


@dataclass(frozen=True)
class Study:
    """The study an export comes from.

    ``instruments`` holds every version that was asked, by code and SHA-256. ``data_until``
    is the instant of the newest fact in the export: two exports of the same data have the
    same one, so formats that must carry a time carry this. ``language`` is that of titles.
    """

    protocol: Protocol
    instruments: Mapping[tuple[str, str], Instrument]
    definitions: tuple[DefinitionUsed, ...]
    data_until: datetime
    program_version: str
    language: str = "en"

    def newest_instruments(self) -> dict[str, Instrument]:
        """Return one version of each instrument, the last of those given, by code."""
        return {code: instrument for (code, _), instrument in self.instruments.items()}


class Writer(Shape):
    """Writes one format: takes the study part by part, then finishes its files."""

    def add(self, part: Part) -> None:
        """Write, or keep, the rows of some more participants."""

    def close(self) -> None:
        """Finish every file."""


MakeWriter = Callable[[Path, Study], Writer]
Parts = Iterable[Part]
