"""What a report is made of: frozen sections of paragraphs, tables, figures and notes."""

from dataclasses import dataclass, field

import pandas as pd

from qol_app.analysis.result import AnalysisResult
from qol_app.export.tte import CONFIRMATORY
from qol_app.report.speech import ENGLISH, Speech


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers with a name and a title.

    ``frame`` holds them unrounded and is what the data file beside the report holds; ``shown``
    is what the page prints where that is laid out differently.
    """

    name: str
    title: str
    frame: pd.DataFrame
    shown: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture as SVG and PNG, what it shows in words, and the table of its numbers."""

    name: str
    title: str
    description: str
    svg: str
    png: bytes
    table: Table


@dataclass(frozen=True, eq=False)
class Section:
    """One part of the report, in the order of reading."""

    code: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """How the report is made.

    Attributes
    ----------
    language : str
        Of titles and text; ``say`` speaks it: words and numbers.
    blinded : bool
        Whether everybody is pooled. The data given must then carry no arm.
    confirmatory : tuple of str
        Scales chosen before the data were seen.
    key_timepoints : tuple of str
        At which all scales are compared.
    average_days : tuple of float
        Planned days from and to which the mixed model's contrasts are averaged.
    reference_arm : str
        The arm others are compared with; by default the last of the protocol.
    step_days : tuple of float
        Days at which numbers at risk and survival are printed.
    horizon_days : float
        Three years.
    """

    language: str = "en"
    blinded: bool = True
    say: Speech = ENGLISH
    confirmatory: tuple[str, ...] = tuple(scale for _, scale in CONFIRMATORY)
    key_timepoints: tuple[str, ...] = ("M6", "M12")
    average_days: tuple[float, float] = (91, 730)
    reference_arm: str = ""
    step_days: tuple[float, ...] = (0, 183, 365, 548, 730, 913, 1096)
    horizon_days: float = 1096


@dataclass
class Draft:
    """A section being written; what is left out and noted is gathered in words."""

    code: str
    title: str
    say: Speech
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def tell(self, text: str, **values: object) -> None:
        """Add a paragraph: translated first, filled in after."""
        self.paragraphs.append(self.say(text).format(**values))

    def note(self, text: str, **values: object) -> None:
        """Add a note, once."""
        words = self.say(text).format(**values)
        if words not in self.notes:
            self.notes.append(words)

    def table(
        self, name: str, title: str, frame: pd.DataFrame, shown: pd.DataFrame | None = None
    ) -> Table:
        """Add a table; an empty one is said in words beside its headings."""
        made = Table(name, title, frame.reset_index(drop=True), shown)
        self.tables.append(made)
        if not len(frame):
            self.note("{title}: no rows.", title=title)
        return made

    def account(self, what: str, result: AnalysisResult) -> None:
        """Say how many rows a result rests on, how many were left out and why, and its notes."""
        self.notes.append(accounting(self.say, what, result))
        for one in result.notes:
            words = f"{what}: {self.say(one)}"
            if words not in self.notes:
                self.notes.append(words)

    def section(self) -> Section:
        """Return what was written."""
        return Section(
            self.code,
            self.title,
            tuple(self.paragraphs),
            tuple(self.tables),
            tuple(self.figures),
            tuple(self.notes),
        )


def accounting(say: Speech, what: str, result: AnalysisResult) -> str:
    """Return "used + left out = given" in words; it always adds up."""
    reasons = "; ".join(f"{say(reason)} {n}" for reason, n in result.left_out.items())
    words = say("{what}: {used} of {given} rows used").format(
        what=what, used=result.n_used, given=result.n_given
    )
    if not reasons:
        return f"{words}."
    return f"{words}; " + say("left out: {reasons}").format(reasons=reasons) + "."
