"""Styles and scripts. Their address holds a stamp of their content, so that a phone may keep them.

All files share one stamp, in a folder of the address: a module that imports its neighbour
by a relative name gets the neighbour of the same release.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, send_from_directory, url_for

from qol_app.web.guard import needs

FOLDER = Path(__file__).parent / "static"
# A year, for an address whose content never changes; the plain address is asked anew.
KEPT = "public, max-age=31536000, immutable"
ASKED = "public, no-cache"


@cache
def stamp() -> str:
    """Return a short hash over every file of the folder."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def asset(filename: str) -> str:
    """Return the address of a static file in this release."""
    return url_for("stamped", release=stamp(), filename=filename)


def register(app: Flask) -> None:
    """Serve the folder, and give templates ``asset``."""
    app.jinja_env.globals.update(asset=asset, release=stamp)

    @app.get("/static/<path:filename>", endpoint="static")
    @needs("public")
    def static(filename: str) -> Any:
        return _send(filename, ASKED)

    @app.get("/static/v-<release>/<path:filename>", endpoint="stamped")
    @needs("public")
    def stamped(release: str, filename: str) -> Any:
        return _send(filename, KEPT if release == stamp() else ASKED)


def _send(filename: str, cache_control: str) -> Any:
    response = send_from_directory(FOLDER, filename)
    response.headers["Cache-Control"] = cache_control
    return response
