"""A browser without scripts: follows redirects, fills in the forms it was given, keeps cookies."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from flask.testing import FlaskClient


@dataclass
class PageForm:
    """One form of a page, with the values it would send."""

    action: str = ""
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Seen:
    """What a person sees: the text, the links, the forms."""

    status: int
    path: str
    html: str
    headers: dict[str, str]
    text: str = ""
    links: list[str] = field(default_factory=list)
    forms: list[PageForm] = field(default_factory=list)
    radios: list[str] = field(default_factory=list)
    language: str = ""

    def form(self, with_field: str = "") -> PageForm:
        """Return the form that has a field, or the only one."""
        return next(one for one in self.forms if not with_field or with_field in one.values)


class _Reader(HTMLParser):
    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen, self.inside, self.words, self.button = seen, None, [], None
        self.quiet = 0

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "html":
            self.seen.language = a.get("lang", "")
        if tag in ("script", "style", "template", "title"):
            self.quiet += 1
        if tag == "a" and "href" in a:
            self.seen.links.append(a["href"])
        if tag == "form":
            self.inside = PageForm(a.get("action", self.seen.path))
            self.seen.forms.append(self.inside)
        if self.inside is None:
            return
        if tag == "input" and a.get("type") == "radio":
            self.seen.radios.append(a["value"])
            self.inside.values.setdefault(a["name"], "")
            if "checked" in a:
                self.inside.values[a["name"]] = a["value"]
        elif tag == "input" and "name" in a:
            self.inside.values[a["name"]] = a.get("value") or ""
        elif tag == "button":
            self.button = (a.get("name", ""), a.get("value", ""))

    def handle_endtag(self, tag):
        if tag in ("script", "style", "template", "title"):
            self.quiet -= 1
        if tag == "form":
            self.inside = None
        if tag == "button":
            self.button = None

    def handle_data(self, data):
        if self.quiet:
            return
        self.words.append(data)
        if self.button and self.inside is not None and data.strip():
            self.inside.buttons.append((*self.button, data.strip()))


class Browser:
    """One person's browser on the public HTTPS address."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.seen: Seen

    def get(self, path: str) -> Seen:
        """Open an address."""
        return self._see(self.client.get(path, follow_redirects=True))

    def post(self, path: str, data: dict[str, str]) -> Seen:
        """Send a form, following where it leads."""
        return self._see(self.client.post(path, data=data, follow_redirects=True))

    def press(self, button: str = "", **filled: str) -> Seen:
        """Fill in the form of a button, by what it says, and press it."""
        pressed = [
            (form, name, value)
            for form in self.seen.forms
            for name, value, text in form.buttons
            if not button or text == button
        ]
        assert pressed, f"no button {button!r}; there are {[f.buttons for f in self.seen.forms]}"
        form, name, value = pressed[0]
        data = {**form.values, **filled, **({name: value} if name else {})}
        sent = {key: value for key, value in data.items() if value != ""}
        return self.post(urljoin(self.seen.path, form.action), sent)

    def _see(self, response) -> Seen:
        html = response.get_data(as_text=True)
        path = response.request.path
        self.seen = Seen(response.status_code, path, html, dict(response.headers))
        reader = _Reader(self.seen)
        reader.feed(html)
        self.seen.text = re.sub(r"\s+", " ", " ".join(reader.words)).strip()
        return self.seen


def sign_in(browser: Browser, person) -> Seen:
    """Open the link, give the PIN, arrive at home."""
    browser.get(f"/a/{person.token}?lang=en")
    seen = browser.press("Continue", pin=person.pin)
    assert seen.path == "/home", seen.text
    return seen
