"""A browser without scripts, for one person and for another."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from qol_app.runtime import Runtime
from tests.conftest import Templates, fresh_study, told_on
from tests.participants import Enrolled, enrolled
from tests.web.browsing import Browser, sign_in


@pytest.fixture(params=told_on("sqlite"))
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[str]:
    """A study database on SQLite, where a test does not name its engines.

    Every page is opened by every role on PostgreSQL in ``test_access_matrix.py``; saving and
    answering are shown on both. ``make other`` tells the same stories on PostgreSQL.
    """
    yield from fresh_study(request.param, templates, tmp_path)


@pytest.fixture
def open_browser(app: Flask):
    """Open another browser, with cookies of its own."""

    def fresh() -> Browser:
        client = app.test_client()
        client.environ_base["wsgi.url_scheme"] = "https"
        return Browser(client)

    return fresh


@pytest.fixture
def browser(open_browser) -> Browser:
    """A browser nobody has used yet."""
    return open_browser()


@pytest.fixture
def person(runtime: Runtime) -> Enrolled:
    """Somebody whose full questionnaire is due today."""
    return enrolled(runtime)


@pytest.fixture
def signed_in(browser: Browser, person: Enrolled) -> Browser:
    """That person's browser, at home."""
    sign_in(browser, person)
    return browser
