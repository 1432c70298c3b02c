"""Files that take their name when they are whole, or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qol_app.errors import DataFileError


@contextmanager
def appearing_file(path: Path) -> Iterator[Path]:
    """Yield a name to write to; the file takes its own name when the block ends well.

    The name is a new one each time, so that two runs with one aim do not write into each
    other's file; the later one wins.

    Raises
    ------
    DataFileError
        If there is no such folder, something else than a file has that name, or the disk
        refuses. An earlier file is left as it was.
    """
    # Through a link to the file it names, as everybody else writes.
    final = path.resolve()
    if not final.parent.is_dir():
        raise DataFileError(f"{path}: found no folder {path.parent}; wanted an existing one")
    if os.path.exists(final) and not os.path.isfile(final):
        raise DataFileError(f"{path}: found something that is no file; wanted another name")
    partial = final.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        yield partial
        os.replace(partial, final)
    except OSError as error:
        why = error.strerror or str(error)
        raise DataFileError(f"{path}: could not be written ({why}); nothing was kept") from error
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text as UTF-8 under a name that never holds a part of it."""
    with appearing_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
