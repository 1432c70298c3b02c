"""A folder more is a whole new instrument, a folder less is no trouble, a file more a language."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from fhir.resources.R4B.questionnaire import Questionnaire
from flask import Flask

from qol_app import i18n
from qol_app.app import web_app
from qol_app.cli import register_commands
from qol_app.db.migrate import migrate
from qol_app.definition.instrument import load_instrument
from qol_app.definition.wording import load_wordings, wording_gaps
from qol_app.errors import DefinitionError
from qol_app.export.fhir_questionnaire import questionnaire
from qol_app.export.fhir_questionnaire_import import from_questionnaire
from qol_app.scoring.conformance import compare, load_golden
from qol_app.scoring.scorer import score
from qol_app.services import definitions, exporting
from qol_app.services.context import Actor
from tests.conftest import ABSENT, QUESTIONNAIRES, make_runtime, make_settings
from tests.participants import enrolled
from tests.web.browsing import Browser

INSTRUMENTS = QUESTIONNAIRES / "instruments"
CODES = sorted(path.parent.name for path in INSTRUMENTS.glob("*/instrument.yaml"))
ME = Actor.system("tests")

NEW = """
code: garden
title: Garden
version: "1"
family: own
minutes: 1
licence: {holder: Nobody, terms: {en: Free}}
sources: [{what: scoring, citation: Made up for a test}]
recalls: [{code: week, days: 7}]
items:
  - {code: g1, first: 1, last: 4, recall: week}
  - {code: g2, first: 1, last: 4, recall: week, asked_if: {item: g1, over: 1}}
  - {code: g3, first: 1, last: 4, recall: week}
  - {code: g4, first: 1, last: 4, recall: week}
scales:
  - code: WEEDS
    title: {en: Weeds}
    rule: linear
    items: [g1, g3, g4]
    min_answered: half
    direction: higher_is_worse
    low: 0
    high: 100
    source: Made up for a test
  - code: ROOTS
    title: {en: Roots}
    rule: linear
    items: [g2]
    min_answered: half
    direction: higher_is_worse
    low: 0
    high: 100
    source: Made up for a test
"""
# WEEDS 3, 1, -: raw 2, 1/3 of the way; ROOTS 4: all the way, and not asked where g1 is 1.
GOLDEN = """case,note,g1,g2,g3,g4,expected_WEEDS,expected_ROOTS
1,one skipped,3,4,1,,33.333333,100
2,not asked,1,,1,1,0,
"""
WORDS = {
    "en": ("Garden (stand-in)", "Bed %s: how many weeds?", ("None", "Some", "Many", "All")),
    "nb": ("Hage (prøvetekst)", "Bed %s: hvor mye ugress?", ("Ikke noe", "Litt", "Mye", "Bare")),
}


def _wording(language: str) -> str:
    title, prompt, labels = WORDS[language]
    content = {
        "instrument": "garden",
        "language": language,
        "stand_in": True,
        "title": title,
        "instruction": title,
        "recall": {"week": f"{title}: 7"},
        "option_sets": {"amount": dict(enumerate(labels, start=1))},
        "items": {f"g{n}": {"prompt": prompt % n, "options": "amount"} for n in range(1, 5)},
    }
    return yaml.safe_dump(content, allow_unicode=True)


def _garden(instruments: Path) -> Path:
    """Write the whole instrument: definition, wordings, vectors, and nothing anywhere else."""
    folder = instruments / "garden"
    folder.mkdir(parents=True)
    files = {"instrument.yaml": NEW, "golden.csv": GOLDEN}
    files |= {f"{language}.yaml": _wording(language) for language in WORDS}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _in_norwegian(value):
    """Return a protocol's content with each text in one language more."""
    if isinstance(value, dict):
        more = {"nb": value["sv"]} if set(value) == {"en", "sv"} else {}
        return {key: _in_norwegian(one) for key, one in value.items()} | more
    return [_in_norwegian(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def questionnaires(tmp_path) -> Path:
    """A folder of questionnaires with one instrument, and a trial that asks it in Norwegian."""
    folder = tmp_path / "questionnaires"
    _garden(folder / "instruments")
    content = yaml.safe_load((QUESTIONNAIRES / "protocols" / "breclim-2.yaml").read_text("utf-8"))
    content = _in_norwegian(content) | {"languages": ["en", "sv", "nb"]}
    for package in content["packages"]:
        package["instruments"] = ["garden"]
    (folder / "protocols").mkdir()
    path = folder / "protocols" / "breclim-2.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


@pytest.fixture
def garden(tmp_path):
    return load_instrument(_garden(tmp_path / "one"))


@pytest.fixture
def installed(templates, tmp_path, clock):
    """Return a function that starts an installation on a folder of questionnaires."""
    started = []

    def start(folder: Path):
        settings = make_settings(templates.empty("sqlite", tmp_path), tmp_path)
        started.append(make_runtime(settings, clock))
        migrate(started[0].database)
        with started[0].writing(ME) as ctx:
            lines = list(definitions.load(ctx, folder, "breclim-2"))
        app = web_app(started[0])
        app.testing = True
        return started[0], app, lines

    yield start
    started[0].database.close()


@pytest.fixture
def pages_in_norwegian(tmp_path, monkeypatch):
    """A language of the pages is a folder of catalogues; this one knows one sentence."""
    shutil.copytree(i18n.FOLDER, tmp_path / "translations")
    (tmp_path / "translations" / "nb").mkdir()
    (tmp_path / "translations" / "nb" / "participant.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Begin"\nmsgstr "Start her"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(i18n, "FOLDER", tmp_path / "translations")
    for cached in (i18n.languages, i18n.translations):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (i18n.languages, i18n.translations):
        cached.cache_clear()


def test_a_folder_is_a_whole_instrument_on_pages_in_scores_and_exports(
    questionnaires, installed, pages_in_norwegian
):
    runtime, app, _ = installed(questionnaires)
    person = enrolled(runtime, "UME-001", language="nb")
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    browser = Browser(client)
    browser.get(f"/a/{person.token}?lang=nb")
    browser.press("Continue", pin=person.pin)
    assert browser.press("Start her").language == "nb"
    seen = browser.get(f"/q/{person.ref}/garden/g1")
    assert "Bed 1: hvor mye ugress?" in seen.text
    assert "Ikke noe" in seen.text
    for answer in ("3", "4", "1"):
        browser.press("Next", answer=answer)
    assert browser.seen.path.endswith("/garden/g4")
    browser.press("Next")
    browser.press("Skip this question")
    with runtime.reading(ME) as ctx:
        [part] = exporting.open_study(ctx, "breclim-2").parts
    items = {row["item"]: (row["status"], row["value"]) for row in part["items"].to_pylist()}
    answered = {"g1": 3, "g2": 4, "g3": 1}
    assert items == {item: ("ANSWERED", code) for item, code in answered.items()} | {
        "g4": ("SKIPPED", None)
    }
    scores = {row["scale"]: row["value"] for row in part["scores"].to_pylist()}
    assert scores == pytest.approx({"WEEDS": 100 / 3, "ROOTS": 100.0})


def test_a_folder_is_enough_for_vectors_and_fhir(garden, tmp_path):
    folder = tmp_path / "one" / "garden"
    golden = load_golden(folder / "golden.csv", garden)
    found = compare(golden, score(garden, golden.answers))
    assert [(one.scale, one.agree) for one in found] == [("WEEDS", 2), ("ROOTS", 2)]
    made = json.loads(json.dumps(questionnaire(garden, load_wordings(folder))))
    assert Questionnaire.model_validate(made).title == "Garden (stand-in)"
    back, texts = from_questionnaire(made)
    assert back.sha256 == garden.sha256
    assert set(texts) == {"en", "nb"}


def test_a_folder_is_enough_for_the_commands(questionnaires, tmp_path):
    app = Flask("commands", static_folder=None)
    register_commands(app)
    (tmp_path / "in.csv").write_text("id,g1,g2,g3,g4\na,3,4,1,\n")
    at = ["--instruments", str(questionnaires / "instruments")]
    source, target = str(tmp_path / "in.csv"), str(tmp_path / "out.csv")
    done = app.test_cli_runner().invoke(args=["score", "garden", source, "-o", target, *at])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out.csv").read_text().split("\n")[1].startswith('"a",33.33')


@pytest.mark.parametrize("code", CODES)
def test_every_instrument_stands_alone(code, tmp_path):
    # Each folder is read by itself: what loads alone loads with any others, or without.
    (tmp_path / code).symlink_to(INSTRUMENTS / code, target_is_directory=True)
    instrument = load_instrument(tmp_path / code)
    for wording in load_wordings(tmp_path / code).values():
        assert wording_gaps(instrument, wording) == []
    assert len(load_golden(tmp_path / code / "golden.csv", instrument).answers)


def _without(code: str, folder: Path) -> Path:
    """Return a folder of questionnaires like ours, one instrument taken away."""
    (folder / "instruments").mkdir(parents=True)
    for name in ("messages", "protocols"):
        shutil.copytree(QUESTIONNAIRES / name, folder / name)
    for other in CODES:
        if other != code:
            (folder / "instruments" / other).symlink_to(INSTRUMENTS / other)
    return folder


@pytest.mark.skipif(bool(ABSENT), reason="another questionnaire of the trial is not here")
def test_a_demo_starts_without_the_main_questionnaire_and_says_so(installed, tmp_path):
    runtime, app, lines = installed(_without("qlq-c30", tmp_path / "less"))
    [note] = [line for line in lines if line.startswith("note:")]
    assert "found unknown instrument 'qlq-c30'" in note
    enrolled(runtime)
    with runtime.reading(ME) as ctx:
        _, protocol = definitions.protocol_in_force(ctx, "breclim-2")
    assert protocol.packages[0].instruments == ("qlq-lmc21", "qlq-br23", "eq-5d-5l")
    assert app.test_client().get("/health").status_code in (200, 503)


@pytest.mark.skipif(bool(ABSENT), reason="another questionnaire of the trial is not here")
@pytest.mark.parametrize("code", CODES)
def test_a_demo_starts_without_any_one_of_them(code, installed, tmp_path):
    runtime, app, lines = installed(_without(code, tmp_path / "less"))
    with runtime.reading(ME) as ctx:
        _, protocol = definitions.protocol_in_force(ctx, "breclim-2")
    asked = {one for package in protocol.packages for one in package.instruments}
    assert asked == {"qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l"} - {code}
    # The one timepoint that asks nothing but the LMC21 is off unless a study wants it.
    assert ("S30" in {one.code for one in protocol.timepoints}) is (code != "qlq-lmc21")
    assert any(line.startswith("note:") for line in lines) is (len(asked) == 3)
    enrolled(runtime)
    assert app.test_client().get("/health").status_code in (200, 503)


def test_a_live_study_is_refused_by_the_name_of_what_is_missing(installed, tmp_path):
    folder = _without("qlq-c30", tmp_path / "less")
    path = folder / "protocols" / "breclim-2.yaml"
    text = path.read_text(encoding="utf-8")
    assert "stand_in_wording_allowed: true" in text
    path.write_text(text.replace("_allowed: true", "_allowed: false"), encoding="utf-8")
    with pytest.raises(DefinitionError, match="found unknown instrument 'qlq-c30'; wanted one of"):
        installed(folder)
