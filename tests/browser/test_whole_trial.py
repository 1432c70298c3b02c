"""The whole product once through, in a real browser: enrol, answer on a phone, see, export.

The answers are the worked examples that stand beside each instrument, so the expected scores
were computed by hand from the scoring manuals, not by this program.
"""

import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from qol_app.export.registry import chosen_formats
from qol_app.services import exporting
from qol_app.services.context import Actor
from qol_app.settings import ROOT
from tests.browser.conftest import PHONE
from tests.staff_factories import Known, make_staff

# Instrument -> the row of its golden.csv that is answered here. BR23's second example skips
# items, and its answers to 34 and 45 leave 35 and 46 unasked.
EXAMPLES = {"qlq-c30": 1, "qlq-lmc21": 1, "qlq-br23": 2, "eq-5d-5l": 2}


def worked_example(instrument: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the answers and the expected scores of an instrument's worked example."""
    path = ROOT / "questionnaires" / "instruments" / instrument / "golden.csv"
    with path.open(newline="") as source:
        row = next(r for r in csv.DictReader(source) if int(r["case"]) == EXAMPLES[instrument])
    expected = {k.removeprefix("expected_"): v for k, v in row.items() if "expected_" in k}
    answers = {k: v for k, v in row.items() if k not in ("case", "note") and "expected_" not in k}
    return answers, expected


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A coordinator's laptop."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, base_url=address, locale="en-GB"
    )
    context.set_default_timeout(30_000)
    yield context
    context.close()


def sign_in(page: Page, known: Known, now) -> None:
    """Sign a staff member in by password and authenticator."""
    page.goto("/staff/sign-in?lang=en")
    page.get_by_label("E-mail").fill(known.staff.email)
    page.get_by_label("Password").fill(known.password)
    page.get_by_label("Code from your authenticator").fill(known.code(now))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")


def enrol(page: Page, number: str) -> tuple[str, str]:
    """Enrol somebody through the form; return the link and the PIN to hand over."""
    page.goto("/staff/enrol")
    page.get_by_label("Study number").fill(number)
    page.get_by_label("Day of consent").fill("2026-11-23")
    page.get_by_label("English").check()
    page.get_by_label("E-mail").fill("ume-077@example.org")
    page.get_by_role("button", name="Enrol and show link and PIN").click()
    link = page.locator(".sheet-link").inner_text()
    pin = page.locator(".sheet-pin").inner_text().replace(" ", "")
    return link[link.index("/a/") :], pin


# What a screen asks, whether something is chosen already, and where a finger finds what.
SCREEN = """() => {
  const question = document.querySelector("#question");
  const middle = (one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  };
  const answers = [...document.querySelectorAll("#question [type=radio]")];
  return question && {
    asked: [question.dataset.instrument, question.dataset.item],
    chosen: answers.filter((one) => one.checked).length,
    answers: Object.fromEntries(answers.map((one) => [one.value, middle(one.labels[0])])),
    next: middle(question.querySelector(".steps [value=next]")),
  };
}"""


def answer_everything(page: Page) -> list[tuple[str, str]]:
    """Answer every screen with its worked example; return the items in the order asked."""
    examples = {code: worked_example(code)[0] for code in EXAMPLES}
    question, send = page.locator("#question"), page.get_by_role("button", name="Send")
    asked: list[tuple[str, str]] = []
    while True:
        screen = page.evaluate(SCREEN)
        if screen is None:
            expect(send.or_(on_from_part(page))).to_be_visible()
            if send.count():
                return asked
            with page.expect_navigation():
                on_from_part(page).click()
            expect(question).to_be_visible()
            continue
        instrument, item = screen["asked"]
        assert screen["chosen"] == 0
        assert (instrument, item) not in asked
        asked.append((instrument, item))
        _answer(page, screen, examples[instrument][item])


def on_from_part(page: Page) -> Locator:
    """Return the way from the first page of an instrument to its questions."""
    return page.get_by_role("link", name=re.compile("^(To the questions|Continue)$"))


def _answer(page: Page, screen: dict, value: str) -> None:
    """Give one answer, or none; return when the page that follows has arrived as a whole."""
    if not value:
        page.get_by_role("button", name="Next").click()
        last = page.get_by_role("button", name="Skip this question").click
    else:
        if value in screen["answers"]:
            page.touchscreen.tap(*screen["answers"][value])
        else:
            page.locator("input#answer").fill(value)
        last = partial(page.touchscreen.tap, *screen["next"])
    # Of a page that is still arriving one cannot say what is not on it.
    with page.expect_navigation():
        last()


def exported_scores(runtime, folder: Path) -> dict[tuple[str, str], str]:
    """Export the study and return its scores by instrument and scale."""
    with runtime.reading(Actor.system("tests")) as ctx:
        exporting.export_to(ctx, folder, "breclim-2", chosen_formats("csv"), lambda content: None)
    with next(folder.rglob("scores.csv")).open(newline="") as source:
        return {(row["instrument"], row["scale"]): row["value"] for row in csv.DictReader(source)}


@pytest.mark.browser
@pytest.mark.slow
def test_from_enrolment_to_exported_scores(runtime, clock, address, browser, desk, tmp_path):
    coordinator = make_staff(runtime, "coordinator", ("UME",))
    page = desk.new_page()
    sign_in(page, coordinator, clock.now)
    link, pin = enrol(page, "UME-077")

    phone = browser.new_context(viewport=PHONE, base_url=address, locale="en-GB", has_touch=True)
    phone.set_default_timeout(30_000)
    own = phone.new_page()
    own.goto(link + "?lang=en")
    own.get_by_label("PIN").fill(pin)
    own.get_by_role("button", name="Continue").click()
    own.get_by_role("button", name="Begin").click()
    asked = answer_everything(own)
    own.get_by_role("button", name="Send").click()
    if own.get_by_role("button", name="Send as it is").count():
        own.get_by_role("button", name="Send as it is").click()
    expect(own.get_by_role("heading", level=1)).to_have_text("Thank you, it has arrived")
    phone.close()

    # 80 items of the Full package, less the two whose condition does not hold.
    assert len(asked) == 78
    assert ("qlq-br23", "q35") not in asked and ("qlq-br23", "q46") not in asked

    page.goto("/staff/compliance")
    row = page.get_by_role("row").filter(has_text="UME-077")
    expect(row.first).to_contain_text("Answered")

    scores = exported_scores(runtime, tmp_path / "export")
    for instrument in EXAMPLES:
        for scale, expected in worked_example(instrument)[1].items():
            if scale == "PROFILE":
                continue
            found = scores[instrument, scale]
            if expected == "":
                assert found == "", (instrument, scale, found)
            else:
                assert float(found) == pytest.approx(float(expected), abs=1e-5), scale
