"""Every sentence of the staff pages exists in Swedish, once, and every state has its words."""

import inspect
import re
from collections import defaultdict

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from qol_app import i18n
from qol_app.permissions import ROLES
from qol_app.schedule import plausibility
from qol_app.schedule.status import AssessmentState
from qol_app.services.follow_up import CHANNELS, OUTCOMES
from qol_app.settings import ROOT
from qol_app.web.staff import words

WEB = ROOT / "qol_app" / "web"
PYTHON = [WEB / "auth.py", *sorted((WEB / "staff").glob("*.py"))]
TEMPLATES = sorted((WEB / "templates" / "staff").glob("*.html"))
JINJA = {"extensions": "jinja2.ext.i18n", "silent": "false"}


def sentences():
    for path in PYTHON:
        yield from (row[1] for row in extract_from_file("python", str(path)))
    for path in TEMPLATES:
        rows = extract_from_file("jinja2.ext:babel_extract", str(path), options=JINJA)
        yield from (row[1] for row in rows)


def catalogues(language):
    for path in sorted((i18n.FOLDER / language).glob("*.po")):
        with path.open("rb") as source:
            yield path.name, read_po(source, locale=language)


@pytest.mark.parametrize("language", [code for code in i18n.languages() if code != "en"])
def test_every_sentence_of_staff_pages_is_translated(language):
    known = {m.id for _name, po in catalogues(language) for m in po if m.id and m.string}
    wanted = set(sentences())
    assert len(wanted) > 300
    assert sorted(str(one) for one in wanted - known) == []


@pytest.mark.parametrize("language", [code for code in i18n.languages() if code != "en"])
def test_two_catalogues_never_translate_one_sentence_differently(language):
    found = defaultdict(set)
    for _name, po in catalogues(language):
        for message in po:
            if message.id:
                found[str(message.id)].add(str(message.string))
    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


@pytest.mark.parametrize("language", [code for code in i18n.languages() if code != "en"])
def test_a_translation_keeps_what_is_filled_in(language):
    filled = re.compile(r"%\(\w+\)s")
    for _name, po in catalogues(language):
        for message in po:
            for text in message.string if message.pluralizable else (message.string,):
                source = message.id[0] if message.pluralizable else message.id
                if source:
                    assert set(filled.findall(text)) == set(filled.findall(source)), source


def test_every_state_role_and_outcome_has_its_words():
    assert set(words.MARKS) == set(AssessmentState)
    assert set(words.ROLE_WORDS) == set(ROLES) - {"participant"}
    assert set(CHANNELS) <= set(words.CHANNEL_WORDS)
    assert set(OUTCOMES) == set(words.ATTEMPT_OUTCOMES)


def test_no_two_states_share_sign_and_word():
    assert len({mark.word for mark in words.MARKS.values()}) == len(AssessmentState)


def test_every_doubt_about_an_event_has_its_sentence():
    codes = set(re.findall(r'(?:refuse|confirm)\(\s*"(\w+)"', inspect.getsource(plausibility)))
    assert len(codes) > 12
    assert codes <= {*words.FINDINGS, "future"}
