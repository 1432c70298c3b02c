"""The watch over tests of the core would notice a file, a socket or a database."""

import socket
import sqlite3

import pytest

from qol_app.settings import ROOT
from tests import pure


@pytest.mark.parametrize(
    "opening",
    [(ROOT / "README.md").read_text, socket.socket, lambda: sqlite3.connect(":memory:")],
    ids=["file", "socket", "database"],
)
def test_what_the_core_must_not_open_is_noticed(monkeypatch, opening):
    monkeypatch.setattr(pure, "_watched", ["a test"])
    with pytest.raises(AssertionError, match="a test is marked pure: found"):
        opening()
