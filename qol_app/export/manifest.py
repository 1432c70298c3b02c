"""The manifest of an export: what is in it, by which definitions, and each file's checksum."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from qol_app.errors import DataFileError
from qol_app.export.study import Study

MANIFEST = "manifest.json"
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Occasion:
    """When, by whom and of what an export was made; the rest follows from the data.

    ``scope`` says whose rows are in it: ``study``, or ``sites: GBG, UME``. ``by_arm`` is
    false where the arm was left out because the reader may not see it. ``freeze`` names a data
    set that is to stand as it is, and the local day its states are of.
    """

    exported_at: datetime
    exported_by: str
    schema_revision: str
    scope: str = "study"
    by_arm: bool = True
    freeze: Mapping[str, str] | None = None


def manifest(
    folder: Path, study: Study, occasion: Occasion, rows: Mapping[str, int], formats: Iterable[str]
) -> dict[str, Any]:
    """Return the manifest of the files that stand in a folder.

    Parameters
    ----------
    rows : Mapping
        Number of rows of each table, by its name.
    """
    return {
        "exported_at": occasion.exported_at.isoformat(),
        "exported_by": occasion.exported_by,
        "scope": occasion.scope,
        "arm_included": occasion.by_arm,
        "freeze": dict(occasion.freeze) if occasion.freeze else None,
        "formats": list(formats),
        "program": "qol-app",
        "program_version": study.program_version,
        "schema_revision": occasion.schema_revision,
        "data_until": study.data_until.isoformat(),
        "protocol": {
            "code": study.protocol.code,
            "title": study.protocol.title,
            "version": study.protocol.version,
            "sha256": study.protocol.sha256,
        },
        "definitions": [asdict(one) for one in study.definitions],
        "rows": dict(rows),
        "files": [
            {"name": name, "bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
            for name in file_names(folder)
        ],
    }


def file_names(folder: Path) -> list[str]:
    """Return every file below a folder but its manifest, by name, with forward slashes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    return [name for name in names if name != MANIFEST]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write the manifest beside the files it names, and return where."""
    path = folder / MANIFEST
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an export.

    Raises
    ------
    DataFileError
        If there is none, or it is not one.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataFileError(f"{path}: no such file; wanted the manifest of an export") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataFileError(f"{path}: not JSON ({error}); wanted a manifest") from error
    if not isinstance(content, dict) or not isinstance(content.get("files"), list):
        raise DataFileError(f"{path}: found no list of files; wanted the manifest of an export")
    return content


def differences(folder: Path) -> Iterator[str]:
    """Yield, in words, every way in which the files are not those the manifest names."""
    named = {one["name"]: one["sha256"] for one in read_manifest(folder)["files"]}
    present = set(file_names(folder))
    for name, wanted in named.items():
        if name not in present:
            yield f"{name}: named in the manifest, but not there"
        elif (found := sha256(folder / name)) != wanted:
            yield f"{name}: found SHA-256 {found[:12]}; the manifest says {wanted[:12]}"
    for name in sorted(present - set(named)):
        yield f"{name}: there, but not named in the manifest"
