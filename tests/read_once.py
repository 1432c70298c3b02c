"""A definition file is read once per process as long as nothing in it changes.

Each test with a database, a folder or a command of its own reads all of them, hundreds of times
the same. What comes of a file is frozen, so that nobody can tell whether it was read again;
each gets a copy, since what a definition works out about itself is kept in it.
"""

from pathlib import Path
from typing import Any

from qol_app.definition import loader

_read: dict[tuple[Any, ...], Any] = {}
_really = loader.read_yaml_model


def read_yaml_model(path: Path, model: type[Any], root: Path | None = None) -> Any:
    """Return what the program reads in this file, from an earlier time if that was the same."""
    try:
        key = (path, path.read_bytes(), model, root)
    except OSError:
        return _really(path, model, root)
    if key not in _read:
        _read[key] = _really(path, model, root)
    found, findings = _read[key]
    return found and found.model_copy(), list(findings)


loader.read_yaml_model = read_yaml_model
