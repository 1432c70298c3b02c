"""Tests marked ``pure`` open no socket, no file and no database while they run.

What Python and its libraries read of their own stays allowed: modules, time zones, holidays.
"""

import sys
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

FORBIDDEN = ("socket.__new__", "socket.connect", "sqlite3.connect", "subprocess.Popen")
READ_BY_PYTHON = (
    ".py",
    ".pyc",
    ".so",
    "/zoneinfo/",
    "/tzdata/",
    "/site-packages/",
    "/.hypothesis/",
)

_watched: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    # Other threads are of fixtures that serve a whole session.
    if not _watched or threading.current_thread() is not threading.main_thread():
        return
    if event in FORBIDDEN or (event == "open" and _is_data(arguments[0])):
        raise AssertionError(f"{_watched[-1]} is marked pure: found {event} {arguments[:1]}")


def _is_data(path: Any) -> bool:
    text = str(path)
    return not any(text.endswith(known) or known in text for known in READ_BY_PYTHON)


sys.addaudithook(_watch)


@cache
def _characters_known() -> None:
    """Let hypothesis write its table of characters, which it does at the first use of text."""
    hypothesis.find(st.characters(), lambda _: True, settings=hypothesis.settings(database=None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Watch the call of a test that is marked, not what its fixtures read before."""
    if item.get_closest_marker("pure") is None:
        return (yield)
    _characters_known()
    _watched.append(item.nodeid)
    try:
        return (yield)
    finally:
        _watched.pop()
