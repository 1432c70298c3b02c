"""Wording: the texts of one instrument in one language, by item code.

The repository ships only stand-ins written here (``stand_in: true``). A licensed text is
loaded by a site that has the right to it and replaces the stand-in; its checksum is stored
with every form answered.
"""

from functools import cached_property
from pathlib import Path

from pydantic import Field, model_validator

from qol_app.definition.instrument import DEFINITION_FILE, Instrument, Item
from qol_app.definition.interpretation import INTERPRETATION_FILE
from qol_app.definition.loader import canonical_sha256, load_yaml_model, shown_name
from qol_app.definition.parts import (
    InstrumentCode,
    ItemCode,
    Language,
    Name,
    Part,
    Words,
)
from qol_app.errors import DefinitionError

# The other YAML files that may stand in an instrument's folder.
NOT_WORDING = (DEFINITION_FILE, INTERPRETATION_FILE)


class _Prompt(Part):
    """What a person is asked by one item, and what the ends of its line or row say."""

    prompt: Words
    low: Words | None = None
    high: Words | None = None


class ItemText(_Prompt):
    """What a person reads for one item: prompt, a label per code, or the ends of a line.

    ``low`` and ``high`` describe the ends of a visual scale or a row of numbers whose steps
    carry no labels of their own.
    """

    options: dict[int, Words] = Field(default_factory=dict)


class _Heading(Part):
    """What a wording says besides its items, in a file as in use."""

    instrument: InstrumentCode
    language: Language
    stand_in: bool
    title: Words
    instruction: Words
    licence_reference: Words | None = None
    certificate: Words | None = None
    recall: dict[Name, Words] = Field(default_factory=dict)


class Wording(_Heading):
    """One instrument's texts in one language."""

    items: dict[ItemCode, ItemText] = Field(min_length=1)

    def __hash__(self) -> int:
        return hash((self.instrument, self.language, self.checksum))

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of all texts: what exactly a person was shown."""
        return canonical_sha256(self)

    def text(self, item_code: str) -> ItemText:
        """Return one item's texts; DefinitionError if this wording has none."""
        if item_code not in self.items:
            raise DefinitionError(
                f"wording {self.instrument} {self.language}: no item {item_code!r}"
            )
        return self.items[item_code]


class _FileText(_Prompt):
    options: Name | dict[int, Words] = Field(default_factory=dict)


class WordingFile(_Heading):
    """A wording as written in its file, where items may name a set of labels to stay short."""

    option_sets: dict[Name, dict[int, Words]] = Field(default_factory=dict)
    items: dict[ItemCode, _FileText] = Field(min_length=1)

    @model_validator(mode="after")
    def _sets_exist(self) -> "WordingFile":
        for code, text in self.items.items():
            if isinstance(text.options, str) and text.options not in self.option_sets:
                raise ValueError(
                    f"items.{code}.options: found {text.options!r}; wanted one of option_sets: "
                    f"{', '.join(self.option_sets) or 'none'}"
                )
        return self

    def wording(self) -> Wording:
        """Return the wording with every label written out."""
        items = {
            code: ItemText(
                prompt=text.prompt,
                options=self.option_sets[text.options]
                if isinstance(text.options, str)
                else text.options,
                low=text.low,
                high=text.high,
            )
            for code, text in self.items.items()
        }
        shared = {name: getattr(self, name) for name in _Heading.model_fields}
        return Wording(items=items, **shared)


def load_wordings(folder: Path, root: Path | None = None) -> dict[str, Wording]:
    """Return the wordings in one instrument's folder by language: every YAML but the definition.

    Raises
    ------
    DefinitionError
        If a file is wrong, or is not named as the language and the folder it stands in.
    """
    paths = sorted(path for path in Path(folder).glob("*.yaml") if path.name not in NOT_WORDING)
    return {path.stem: load_wording(path, root) for path in paths}


def load_wording(path: Path, root: Path | None = None) -> Wording:
    """Return one wording file; DefinitionError if it is wrong or wrongly named."""
    wording = load_yaml_model(path, WordingFile, root).wording()
    if (wording.instrument, wording.language) != (path.parent.name, path.stem):
        raise DefinitionError(
            f"{shown_name(path, root)}: found instrument {wording.instrument!r}, language "
            f"{wording.language!r}; wanted {path.parent.name!r}, {path.stem!r} as in its name"
        )
    return wording


def wording_gaps(instrument: Instrument, wording: Wording) -> list[str]:
    """Return what a wording lacks or has too much of for this instrument, by name."""
    found = []
    missing = [code for code in instrument.item_codes if code not in wording.items]
    extra = [code for code in wording.items if code not in instrument.items_by_code]
    if missing:
        found.append(f"missing items: {', '.join(missing)}")
    if extra:
        found.append(f"extra items: {', '.join(extra)}")
    for item in instrument.items:
        if item.code in wording.items:
            found += _item_gaps(item, wording.items[item.code])
    used = {item.recall for item in instrument.items}
    unknown = sorted(set(wording.recall) - {one.code for one in instrument.recalls})
    if unknown:
        found.append(f"extra recall texts: {', '.join(unknown)}")
    silent = sorted(one.code for one in instrument.recalls if one.days is not None)
    without = [code for code in silent if code in used and code not in wording.recall]
    if without:
        found.append(f"missing recall texts: {', '.join(without)}")
    return found


def refuse_gaps(instrument: Instrument, wording: Wording) -> None:
    """Raise DefinitionError if this wording does not fit the instrument item by item."""
    found = wording_gaps(instrument, wording)
    if found:
        raise DefinitionError(
            f"wording {instrument.code} {wording.language}: {'; '.join(found)}; wanted a text "
            f"for each of the {len(instrument.items)} items and no other"
        )


def _item_gaps(item: Item, text: ItemText) -> list[str]:
    if text.low and text.high and not text.options:
        return []
    wanted, given = set(item.allowed), set(text.options)
    if item.kind != "choice" and not given:
        return [f"item {item.code}: no low and high text"]
    if wanted != given:
        return [f"item {item.code}: labels for {sorted(given)}; wanted {sorted(wanted)}"]
    return []
