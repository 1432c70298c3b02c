"""A real Chromium on a real server on this machine."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from waitress.server import create_server
from waitress.wasyncore import close_all
from werkzeug.test import run_wsgi_app

from qol_app.runtime import Runtime
from tests.conftest import Templates
from tests.made_once import pages_of
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
    """The way between a phone and the pages: it can be cut, and what is saved can go astray.

    Playwright's offline mode alone does not hold a service worker back reliably, and its routes
    do not see every request of a page that such a worker looks after. ``has_come`` is set when
    an answer has come as far as it is let.
    """

    def __init__(self) -> None:
        self.is_cut = False
        self.saving: Callable[[WSGIApplication, WSGIEnvironment], bool] | None = None
        self._may_go_on, self.has_come = threading.Event(), threading.Event()
        self._twice: str | None = None
        self._as_it_was: tuple[str, list[tuple[str, str]], bytes] | None = None

    def through(self, app: WSGIApplication) -> WSGIApplication:
        """Return the application behind this line."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] == self._twice:
                return self._made_once(app, environ, start_response)
            saving = self.saving if environ["PATH_INFO"].endswith("/answers") else None
            if not self.is_cut and not (saving and saving(app, environ)):
                return app(environ, start_response)
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []

        return answer

    def cut(self, phone: BrowserContext) -> None:
        """Let a phone lose its connection."""
        self.is_cut = True
        phone.set_offline(True)

    def mend(self, phone: BrowserContext, noticed: bool = True) -> None:
        """Let a phone find its connection again, and its browser say so if it noticed."""
        self.is_cut = False
        phone.set_offline(False)
        if noticed:
            # Chromium says nothing to a page that has begun while it was told to be offline.
            for page in phone.pages:
                page.evaluate("setTimeout(() => dispatchEvent(new Event('online')))")

    def give_twice(self, path: str) -> None:
        """Let the next one who asks for a page, and the one after, get the same; then as usual."""
        self._twice, self._as_it_was = path, None

    def _made_once(
        self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if self._as_it_was is None:
            body, status, headers = run_wsgi_app(app, environ, buffered=True)
            self._as_it_was = (status, list(headers), b"".join(body))
        else:
            self._twice = None
        status, headers, content = self._as_it_was
        start_response(status, headers)
        return [content]

    def refuse_answers(self) -> None:
        """Let the server be too busy to take answers."""
        self.saving = self._refuses

    def swallow_replies(self) -> None:
        """Let answers arrive, and what the server says to them get lost."""
        self.saving = self._takes_and_says_nothing

    def hold_answers(self) -> None:
        """Let answers wait on their way until ``take_answers``."""
        self.saving = self._waits

    def take_answers(self) -> None:
        """Let answers arrive as usual, held ones too."""
        self.saving = None
        self._may_go_on.set()

    def _refuses(self, app: WSGIApplication, environ: WSGIEnvironment) -> bool:
        self.has_come.set()
        return True

    def _takes_and_says_nothing(self, app: WSGIApplication, environ: WSGIEnvironment) -> bool:
        run_wsgi_app(app, environ, buffered=True)
        self.has_come.set()
        return True

    def _waits(self, app: WSGIApplication, environ: WSGIEnvironment) -> bool:
        self.has_come.set()
        return not self._may_go_on.wait(60)


@pytest.fixture
def line() -> Line:
    """The phone's connection."""
    return Line()


@pytest.fixture
def address(runtime: Runtime, line: Line) -> Iterator[str]:
    """Where the pages are served, by the server that the installation uses."""
    app = pages_of(runtime)
    # What fails is answered as in an installation, not raised.
    app.testing = False
    server = create_server(line.through(app), host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown()
    # By the thread that listens: closing under it would take away what it is looking at.
    server.trigger.pull_trigger(lambda: close_all(server._map, ignore_all=True))
    thread.join()


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
