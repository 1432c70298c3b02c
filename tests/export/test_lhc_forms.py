"""A form renderer by others (LHC-Forms, U.S. National Library of Medicine) shows our FHIR.

It is fetched from the npm registry into a folder of the test's own. Where that or Chromium is
not to be had, the test says so and is not run.
"""

import functools
import http.server
import json
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from qol_app.definition.instrument import load_instrument
from qol_app.definition.wording import load_wordings
from qol_app.export.fhir_questionnaire import questionnaire
from tests.export.test_fhir_questionnaire import CODES, FOLDER

PACKAGE = "lforms@40.1.3"
FETCH_SECONDS = 120
PAGE = """<!doctype html><meta charset="utf-8"><title>form</title>
<link rel="stylesheet" href="webcomponent/styles.css">
<div id="form"></div>
<script src="webcomponent/assets/lib/zone.min.js"></script>
<script src="webcomponent/runtime.js"></script>
<script src="webcomponent/polyfills.js"></script>
<script src="webcomponent/main.js"></script>
<script src="fhir/R4/lformsFHIR.min.js"></script>
"""


@pytest.fixture(scope="module")
def renderer(tmp_path_factory) -> Path:
    """Return the folder of the unpacked renderer, with a page of ours in it."""
    if shutil.which("npm") is None:
        pytest.skip("not run: npm is not installed")
    folder = tmp_path_factory.mktemp("lforms")
    try:
        done = subprocess.run(
            ["npm", "pack", PACKAGE, "--silent"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"not run: npm did not fetch {PACKAGE} in {FETCH_SECONDS} s")
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        reason = " ".join(done.stderr.split())[:200]
        pytest.skip(f"not run: npm could not fetch {PACKAGE} ({reason})")
    # Python knows filters from 3.11.4 on, Debian's own not yet.
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, **safely)
    found = folder / "package" / "dist" / "lforms"
    (found / "page.html").write_text(PAGE, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def address(renderer):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(renderer))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/page.html"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def page(address, chromium):
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_function("window.LForms && LForms.Util && LForms.FHIR")
    yield page
    page.close()


def _show(page, code: str) -> str:
    """Show an instrument's Questionnaire in the renderer and return the text on the page."""
    resource = questionnaire(load_instrument(FOLDER / code), load_wordings(FOLDER / code))
    problem = page.evaluate(
        "form => LForms.Util.addFormToPage("
        "LForms.Util.convertFHIRQuestionnaireToLForms(form, 'R4'), 'form')"
        ".then(() => null, error => String(error && error.stack || error))",
        json.loads(json.dumps(resource)),
    )
    assert problem is None
    page.get_by_text(resource["title"]).first.wait_for()
    return page.locator("#form").inner_text()


def _answers(page) -> dict[str, str]:
    """Return what the renderer gives back as QuestionnaireResponse: code by linkId."""
    response = page.evaluate("LForms.Util.getFormFHIRData('QuestionnaireResponse', 'R4')")
    found = {}

    def walk(items):
        for item in items:
            for answer in item.get("answer", ()):
                coding = answer.get("valueCoding", {})
                found[item["linkId"]] = coding.get("code", answer.get("valueInteger"))
            walk(item.get("item", ()))

    walk(response.get("item", ()))
    return found


@pytest.mark.browser
@pytest.mark.slow
def test_the_renderer_keeps_conditions_and_gives_codes_back(page):
    if "qlq-br23" not in CODES:
        pytest.skip("qlq-br23 is not among the instruments here")
    text = _show(page, "qlq-br23")
    wording = load_wordings(FOLDER / "qlq-br23")["en"]
    for code, item in wording.items.items():
        assert (item.prompt in text) is (code not in ("q35", "q46")), code
    assert wording.recall["four_weeks"] in text
    for answer, state in (("Clear", "visible"), ("None", "hidden")):
        page.locator("[id='item-q34/1/1'] label", has_text=answer).click()
        page.get_by_text(wording.items["q35"].prompt, exact=True).wait_for(state=state)
    assert _answers(page) == {"q34": "1"}


@pytest.mark.browser
@pytest.mark.slow
def test_the_renderer_takes_every_instrument(page):
    for code in CODES:
        text = _show(page, code)
        instrument, wording = load_instrument(FOLDER / code), load_wordings(FOLDER / code)["en"]
        shown = [item.code for item in instrument.items if item.asked_if is None]
        assert [one for one in shown if wording.items[one].prompt not in text] == [], code
        assert _answers(page) == {}
