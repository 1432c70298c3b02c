"""The socket at which pages are served: had before anything else, or named as not to be had."""

import os
import socket
from typing import Any

from flask import current_app
from waitress import create_server
from waitress.server import BaseWSGIServer

from qol_app.errors import SettingsError


def listen(host: str, port: int, remedy: str, **more: Any) -> BaseWSGIServer:
    """Return a server of this application that listens already, and runs when told to.

    Raises
    ------
    SettingsError
        If another listens there, or this machine has no such address; with the remedy.
    """
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise SettingsError(
            f"port: found {port}, which cannot be had ({os.strerror(error.errno or 0)}); "
            f"wanted a free one: {remedy}"
        ) from error
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return create_server(app, sockets=[listening], ident=None, **more)
