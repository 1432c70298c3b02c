"""A real Chromium on a real server on this machine."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from waitress.server import create_server

from qol_app.app import web_app
from qol_app.runtime import Runtime
from tests.conftest import Templates
from tests.participants import Enrolled, enrolled

PHONE = {"width": 360, "height": 740}
# A busy machine is no fault of a page.
expect.set_options(timeout=20_000)


@pytest.fixture
def database_url(templates: Templates, tmp_path: Path) -> str:
    """SQLite only: what differs between the engines does not differ in a browser."""
    return templates.copy("sqlite", tmp_path)


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The one Chromium of this process."""
    return chromium


class Line:
    """The way between a phone and the pages, which can be cut.

    Playwright's offline mode alone does not hold a service worker back reliably.
    """

    def __init__(self) -> None:
        self.is_cut = False

    def through(self, app: WSGIApplication) -> WSGIApplication:
        """Return the application behind this line; while it is cut nothing gets there."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if not self.is_cut:
                return app(environ, start_response)
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []

        return answer

    def cut(self, phone: BrowserContext) -> None:
        """Let a phone lose its connection."""
        self.is_cut = True
        phone.set_offline(True)

    def mend(self, phone: BrowserContext) -> None:
        """Let a phone find its connection again."""
        self.is_cut = False
        phone.set_offline(False)


@pytest.fixture
def line() -> Line:
    """The phone's connection."""
    return Line()


@pytest.fixture
def address(runtime: Runtime, line: Line) -> Iterator[str]:
    """Where the pages are served, by the server that the installation uses."""
    server = create_server(line.through(web_app(runtime)), host="127.0.0.1", port=0, threads=8)
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
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext) -> Page:
    """One tab on that phone, which fails the test when a script of ours fails."""
    page = phone.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    return page
