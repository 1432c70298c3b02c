"""A real Chromium on a real server on this machine."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from waitress.server import create_server

from qol_app.app import web_app
from qol_app.runtime import Runtime
from tests.conftest import Templates
from tests.participants import Enrolled, enrolled

PHONE = {"width": 360, "height": 740}


@pytest.fixture
def database_url(templates: Templates, tmp_path: Path) -> str:
    """SQLite only: what differs between the engines does not differ in a browser."""
    return templates.copy("sqlite", tmp_path)


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The one Chromium of this process."""
    return chromium


@pytest.fixture
def address(runtime: Runtime) -> Iterator[str]:
    """Where the pages are served, by the server that the installation uses."""
    server = create_server(web_app(runtime), host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=5)


@pytest.fixture
def person(runtime: Runtime) -> Enrolled:
    """Somebody whose full questionnaire is due today."""
    return enrolled(runtime)


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A small phone, in English, on which nothing has happened yet."""
    context = browser.new_context(
        viewport=PHONE, base_url=address, locale="en-GB", has_touch=True, is_mobile=True
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext) -> Page:
    """One tab on that phone, which fails the test when a script of ours fails."""
    page = phone.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    return page
