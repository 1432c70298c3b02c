"""Writing a whole export: all files and the manifest, or nothing at all."""

import io
import os
import secrets
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from qol_app.errors import DataFileError
from qol_app.export.codebook import write_codebook
from qol_app.export.columns import TABLES
from qol_app.export.manifest import Occasion, manifest, write_manifest
from qol_app.export.registry import own_columns, writer_of
from qol_app.export.starter import Tally, write_starters
from qol_app.export.study import Parts, Study


def write_files(
    folder: Path, study: Study, parts: Parts, formats: Sequence[str], occasion: Occasion
) -> dict[str, Any]:
    """Write a study's tables, the codebook and the manifest into an empty folder.

    Parameters
    ----------
    parts : Iterable of Part
        The tables, some whole participants at a time; read once, never all in memory.
    formats : Sequence of str
        Keys of ``EXPORTS``.

    Returns
    -------
    dict
        The manifest, as written.

    Raises
    ------
    DataFileError
        If a row cannot be written in one of the formats.
    """
    rows, tally = Counter(dict.fromkeys(TABLES, 0)), Tally(study)
    with ExitStack() as closing:
        writers = []
        for name in formats:
            writer = writer_of(name)(folder, study)
            writers.append(writer)
            closing.callback(writer.close)
        for part in parts:
            rows.update({table: frame.num_rows for table, frame in part.items()})
            tally.add(part)
            for writer in writers:
                writer.add(part)
    write_codebook(folder, study, own_columns(formats))
    write_starters(folder, tally, formats)
    content = manifest(folder, study, occasion, rows, formats)
    write_manifest(folder, content)
    return content


def zip_folder(folder: Path) -> bytes:
    """Return everything below a folder as a ZIP archive, in memory: for downloads of one trial.

    Its entries carry the same early time, so that the same files give the same archive.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as target, path.open("rb") as source:
                shutil.copyfileobj(source, target)
    return file.getvalue()


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the wanted name when the block ends well.

    Raises
    ------
    DataFileError
        If something is there already, which is never overwritten, or the disk refuses.
    """
    folder = folder.absolute()
    refuse_occupied(folder)
    made = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.partial"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # What people answered: readable by the one who exports, nobody else.
        made.mkdir(mode=0o700)
        yield made
        os.replace(made, folder)
    except OSError as error:
        why = error.strerror or str(error)
        raise DataFileError(f"{folder}: could not be written ({why}); nothing was kept") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def refuse_occupied(folder: Path) -> None:
    """Raise DataFileError if a path is a file, or a folder that holds something."""
    if folder.is_file() or folder.is_symlink():
        raise DataFileError(f"{folder}: found a file; wanted a folder that is new or empty")
    if folder.is_dir() and (first := next(iter(sorted(folder.iterdir())), None)):
        raise DataFileError(
            f"{folder}: found {first.name} in it; wanted a folder that is new or empty"
        )
