"""Every sentence of the pages that anybody may see is there in every language."""

import re

import pytest
from babel.messages.extract import extract_from_dir

from qol_app import i18n
from qol_app.settings import ROOT

WEB = ROOT / "qol_app" / "web"
MINE = [
    ("forms.py", "python"),
    ("wishes.py", "python"),
    ("participant/**.py", "python"),
    ("templates/participant/**.html", "jinja2"),
    ("templates/health.html", "jinja2"),
    ("templates/outbox/**.html", "jinja2"),
    ("templates/stopping/**.html", "jinja2"),
    ("templates/base.html", "jinja2"),
    ("templates/components.html", "jinja2"),
    ("templates/failure.html", "jinja2"),
]


def sentences():
    keywords = {"_": None, "ngettext": (1, 2)}
    found = {
        message
        for _, _, message, _, _ in extract_from_dir(str(WEB), method_map=MINE, keywords=keywords)
    }
    assert len(found) > 90
    return sorted(found, key=str)


def words(text):
    return sorted(re.findall(r"%\(\w+\)s", text))


@pytest.mark.parametrize("language", [one for one in i18n.languages() if one != "en"])
def test_no_sentence_is_left_in_english(language):
    catalogue = i18n.translations(language)
    for message in sentences():
        if isinstance(message, tuple):
            for count, one in ((1, message[0]), (5, message[1])):
                translated = catalogue.ngettext(*message, count)
                assert translated != one, message
        else:
            assert catalogue.gettext(message) != message, message
            assert words(catalogue.gettext(message)) == words(message), message
