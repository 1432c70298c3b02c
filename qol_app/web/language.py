"""In which language a page is shown, and its words where Python says them."""

from flask import g, request, session

from qol_app import i18n
from qol_app.web.visitor import current_visitor


def page_language() -> str:
    """Return the language of this page: the visitor's own, else what the browser asks for."""
    if "language" not in g:
        visitor = current_visitor() if request else None
        asked = request.args.get("lang") or session.get("language", "")
        wished = visitor.language if visitor else asked
        known = i18n.languages()
        g.language = (
            wished if wished in known else request.accept_languages.best_match(known, default="sv")
        )
    return g.language


def _(text: str, **values: object) -> str:
    """Return a sentence in the language of this page, with its ``%(name)s`` filled in."""
    return in_words_of(page_language(), text, **values)


def in_words_of(language: str, text: str, **values: object) -> str:
    """Return a sentence in one language, with its ``%(name)s`` filled in."""
    found = i18n.translations(language).gettext(text)
    return found % values if values else found
