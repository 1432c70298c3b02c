"""A browser without scripts, for one person and for another."""

import pytest
from flask import Flask

from qol_app.runtime import Runtime
from tests.participants import Enrolled, enrolled
from tests.web.browsing import Browser, sign_in


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
