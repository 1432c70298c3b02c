"""Instruments: what a questionnaire is, apart from its wording, as frozen values.

One folder per instrument (``questionnaires/instruments/<code>``), which can be removed without
harm to the others, since their owners claim different rights. The folder holds
``instrument.yaml`` (this module), one wording file per language, ``golden.csv`` and, where the
instrument has value sets, ``values.csv``.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, model_validator

from qol_app.definition.contradictions import contradictions
from qol_app.definition.loader import canonical_sha256, load_yaml_model, shown_name
from qol_app.definition.parts import Flag, InstrumentCode, ItemCode, LocalText, Name, Part, Words
from qol_app.definition.scales import Scale
from qol_app.definition.value_sets import ValueSet, coefficient_gaps, load_coefficients
from qol_app.errors import DefinitionError

PartT = TypeVar("PartT", bound=BaseModel)
DEFINITION_FILE = "instrument.yaml"
VALUES_FILE = "values.csv"


class Condition(Part):
    """An item is asked only when the answer to another, earlier one is over this code."""

    item: ItemCode
    over: int


class ItemCodes(Part):
    """What standards call this item: NCI Thesaurus, CDISC test code, LOINC."""

    ncit: Name | None = None
    testcd: Name | None = None
    loinc: Name | None = None


class Item(Part):
    """One question. ``first`` and ``last`` are its smallest and largest allowed code.

    ``recall`` names the period the person is asked about; ``group`` ties items together
    (a page on paper, the attributes of one symptom); ``recode`` names the table that turns
    codes into the numbers that are scored. A ``sensitive`` item may be especially private.
    """

    code: ItemCode
    kind: Literal["choice", "vas", "number"] = "choice"
    first: int = Field(ge=0)
    last: int = Field(ge=1, le=1000)
    recall: Name
    asked_if: Condition | None = None
    group: Name | None = None
    recode: Name | None = None
    sensitive: bool = False
    codes: ItemCodes = ItemCodes()

    @property
    def allowed(self) -> range:
        """All codes that may be answered."""
        return range(self.first, self.last + 1)


class Recall(Part):
    """A recall period: ``days`` back from today, 0 for today, none for "in general"."""

    code: Name
    days: int | None = Field(default=None, ge=0)
    iso8601: Words | None = None


class Group(Part):
    """Items that belong together, with a neutral name for staff and codebooks."""

    code: Name
    title: LocalText


class Source(Part):
    """Where something in the definition is written."""

    what: Words
    citation: Words
    doi: Words | None = None
    flag: Flag = Flag.VERIFIED


class Licence(Part):
    """Who owns the instrument, and what using it asks for."""

    holder: Words
    terms: LocalText
    wording_shipped: Literal[False] = False


class StandardCodes(Part):
    """What standards call the instrument: NCI Thesaurus, CDISC category, LOINC, SNOMED CT."""

    ncit: Name | None = None
    qscat: Words | None = None
    loinc: Name | None = None
    snomed: Name | None = None


class Instrument(Part):
    """A questionnaire's structure and scoring; never the owner's wording.

    ``minutes`` is how long a person usually takes. ``missing_codes`` are codes that data files
    of this family use for "no answer". A ``selectable`` instrument is a library: a trial or a
    data file may use some of its groups only.
    """

    code: InstrumentCode
    title: Words
    version: Words
    family: Name
    minutes: float = Field(gt=0, le=120)
    languages_validated: tuple[Words, ...] = ()
    licence: Licence
    sources: tuple[Source, ...] = Field(min_length=1)
    flag: Flag = Flag.VERIFIED
    notes: tuple[Words, ...] = ()
    codes: StandardCodes = StandardCodes()
    recalls: tuple[Recall, ...] = Field(min_length=1)
    groups: tuple[Group, ...] = ()
    selectable: bool = False
    missing_codes: tuple[int, ...] = ()
    recodes: dict[Name, dict[int, float]] = Field(default_factory=dict)
    grades: dict[Name, dict[Words, int]] = Field(default_factory=dict)
    items: tuple[Item, ...] = Field(min_length=1)
    scales: tuple[Scale, ...] = Field(min_length=1)
    value_sets: tuple[ValueSet, ...] = ()

    @model_validator(mode="after")
    def _no_contradictions(self) -> "Instrument":
        found = contradictions(self)
        if found:
            raise ValueError("; ".join(found))
        return self

    def __hash__(self) -> int:
        return hash((self.code, self.sha256))

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, value sets included: the version a form or a score is tied to."""
        return canonical_sha256(self)

    @cached_property
    def item_codes(self) -> tuple[str, ...]:
        """Item codes in the order of the form; also the names of columns in data files."""
        return tuple(item.code for item in self.items)

    @cached_property
    def items_by_code(self) -> dict[str, Item]:
        """Items by their codes, in the order of the form."""
        return {item.code: item for item in self.items}

    def item(self, code: str) -> Item:
        """Return the item with this code; DefinitionError if there is none."""
        found = self.items_by_code.get(code)
        return found if found is not None else self._one("item", self.items, code)

    def scale(self, code: str) -> Scale:
        """Return the scale with this code; DefinitionError if there is none."""
        return self._one("scale", self.scales, code)

    def value_set(self, code: str) -> ValueSet:
        """Return the value set with this code; DefinitionError if there is none."""
        return self._one("value set", self.value_sets, code)

    def recall(self, code: str) -> Recall:
        """Return the recall period with this code; DefinitionError if there is none."""
        return self._one("recall period", self.recalls, code)

    def _one(self, kind: str, parts: Iterable[PartT], code: str) -> PartT:
        known = {part.code: part for part in parts}  # type: ignore[attr-defined]
        if code not in known:
            raise DefinitionError(
                f"{self.code} has no {kind} {code!r}; known: {', '.join(known) or 'none'}"
            )
        return known[code]


def load_instrument(folder: Path, root: Path | None = None) -> Instrument:
    """Return the instrument in this folder.

    Raises
    ------
    DefinitionError
        Naming file, place, value found and value wanted; also when the folder is not named
        as the instrument, or a value set lacks coefficients.
    """
    path = folder / DEFINITION_FILE
    instrument = load_yaml_model(path, Instrument, root)
    if instrument.code != folder.name:
        raise DefinitionError(
            f"{shown_name(path, root)}: code: found {instrument.code!r} in folder "
            f"{folder.name!r}; wanted both the same"
        )
    if not instrument.value_sets:
        return instrument
    return _with_coefficients(instrument, folder / VALUES_FILE, root)


def load_instruments(folder: Path, root: Path | None = None) -> dict[str, Instrument]:
    """Return every instrument found under ``questionnaires/instruments``, by code, sorted.

    Folders that hold no ``instrument.yaml`` are left alone; an absent folder means none.
    """
    paths = sorted(Path(folder).glob(f"*/{DEFINITION_FILE}"))
    loaded = (load_instrument(path.parent, root) for path in paths)
    return {instrument.code: instrument for instrument in loaded}


def _with_coefficients(instrument: Instrument, path: Path, root: Path | None) -> Instrument:
    if not path.exists():
        raise DefinitionError(f"{shown_name(path, root)}: no such file; wanted the value sets'")
    found = load_coefficients(path, root)
    sets = tuple(
        one.model_copy(update={"coefficients": found.get(one.code, {})})
        for one in instrument.value_sets
    )
    unknown = set(found) - {one.code for one in sets}
    if unknown:
        raise DefinitionError(
            f"{shown_name(path, root)}: found set {', '.join(sorted(unknown))}; wanted one that "
            f"{DEFINITION_FILE} describes"
        )
    dimensions, n_levels = _dimensions(instrument)
    for one in sets:
        gaps = coefficient_gaps(one, dimensions, n_levels)
        if gaps:
            raise DefinitionError(
                f"{shown_name(path, root)}: set {one.code}: found no {', '.join(gaps[:5])}; "
                "wanted a value for each"
            )
    return instrument.model_copy(update={"value_sets": sets})


def _dimensions(instrument: Instrument) -> tuple[tuple[str, ...], int]:
    index = next(scale for scale in instrument.scales if scale.rule == "index")
    return index.items, instrument.item(index.items[0]).last
