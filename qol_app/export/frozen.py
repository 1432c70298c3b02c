"""A frozen data set: an export by arm with every definition that a report of it needs.

What is read back is checked first, file by file: a freeze is of use for as long as nobody has
touched it, and not a day longer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet
from pydantic import BaseModel

from qol_app.definition.instrument import Instrument
from qol_app.definition.interpretation import Interpretation
from qol_app.definition.protocol import Protocol
from qol_app.errors import DataFileError
from qol_app.export.columns import TABLES
from qol_app.export.manifest import MANIFEST, differences, read_manifest, sha256
from qol_app.export.study import DefinitionUsed, Part, Study

Model = TypeVar("Model", bound=BaseModel)
FORMATS = ("parquet", "csv")
DEFINITIONS = "definitions"


@dataclass(frozen=True, eq=False)
class Frozen:
    """A study as it was on the day it was frozen, and the hash of its manifest."""

    study: Study
    part: Part
    interpretations: Mapping[str, Interpretation]
    as_of: date
    manifest_sha256: str


def write_definitions(
    folder: Path, study: Study, interpretations: Mapping[str, Interpretation]
) -> None:
    """Write protocol, instruments and their interpretation as JSON, for ``read_frozen``."""
    place = folder / DEFINITIONS
    place.mkdir()
    _write(place / "protocol.json", study.protocol)
    for instrument in study.instruments.values():
        _write(place / _name("instrument", instrument), instrument)
    for code, interpretation in interpretations.items():
        _write(place / f"interpretation_{code}.json", interpretation)


def read_frozen(folder: Path) -> Frozen:
    """Return what was frozen, from its own files only.

    Raises
    ------
    DataFileError
        If there is no freeze, or a file of it was changed, added or taken away since: by name.
    """
    if not folder.is_dir():
        known = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        raise DataFileError(
            f"freeze: found no {folder.name!r}; known: {', '.join(known) or 'none yet'}"
        )
    manifest = read_manifest(folder)
    if changed := next(differences(folder), None):
        raise DataFileError(
            f"freeze {folder.name}: {changed}; wanted the files as they were frozen. Bring them "
            "back from a copy, or freeze anew under another name."
        )
    frozen = manifest.get("freeze")
    if not isinstance(frozen, dict):
        raise DataFileError(f"{folder}: found an export, not a freeze; wanted one that is frozen")
    return Frozen(
        study=_study(folder, manifest),
        part={name: pyarrow.parquet.read_table(folder / f"{name}.parquet") for name in TABLES},
        interpretations={
            path.stem.removeprefix("interpretation_"): _read(path, Interpretation)
            for path in sorted((folder / DEFINITIONS).glob("interpretation_*.json"))
        },
        as_of=date.fromisoformat(frozen["as_of"]),
        manifest_sha256=sha256(folder / MANIFEST),
    )


def _study(folder: Path, manifest: Mapping[str, Any]) -> Study:
    used = tuple(DefinitionUsed(**one) for one in manifest["definitions"])
    place = folder / DEFINITIONS
    instruments = {
        (one.code, one.sha256): _read(place / _name("instrument", one), Instrument)
        for one in used
        if one.kind == "instrument"
    }
    return Study(
        protocol=_read(place / "protocol.json", Protocol),
        instruments=instruments,
        definitions=used,
        data_until=datetime.fromisoformat(manifest["data_until"]),
        program_version=manifest["program_version"],
    )


def _name(kind: str, one: Instrument | DefinitionUsed) -> str:
    return f"{kind}_{one.code}_{one.sha256[:12]}.json"


def _write(path: Path, definition: BaseModel) -> None:
    content = definition.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _read(path: Path, model: type[Model]) -> Model:
    return model.model_validate_json(path.read_text(encoding="utf-8"))
