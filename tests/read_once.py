"""What a definition file says is read once per process: hundreds of tests read all of them.

What comes of a file is frozen and holds nothing of where it lies, so that nobody can tell
whether the same words were read before; each gets a copy, since what a definition works out
about itself is kept in it. A file with something wrong is read anew each time.
"""

from pathlib import Path
from typing import Any

from qol_app.definition import loader

_read: dict[tuple[bytes, type[Any]], Any] = {}
_really = loader.read_yaml_model


def read_yaml_model(
    path: Path, model: type[Any], root: Path | None = None
) -> tuple[Any, list[str]]:
    """Return what the program reads in this file, from an earlier time if that was the same."""
    try:
        key = (path.read_bytes(), model)
    except OSError:
        return _really(path, model, root)
    if key not in _read:
        found, findings = _really(path, model, root)
        if found is None:
            return None, findings
        _read[key] = found
    return _read[key].model_copy(), []


loader.read_yaml_model = read_yaml_model
